import { burst } from './burst.ts';
import { channels } from './channels.ts';
import { hot } from './hot.ts';
import { idle } from './idle.ts';
import { mixed } from './mixed.ts';
import { modes } from './modes.ts';
import type { Scenario } from './scenario.ts';

export const figures: readonly Scenario[] = [hot, burst, channels, idle, mixed, modes];
