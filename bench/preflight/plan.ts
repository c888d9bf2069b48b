import type { Mode } from '../servers/mode.ts';
import type { Check } from './check.ts';
import { clientProcessesFor, serverProcessesFor } from './costs.ts';
import type { Limits } from './limits.ts';
import { needs } from './needs.ts';

/** What a client process counts on one core, with room to spare: at twice as much it would become what is measured. */
const EVENTS_PER_CLIENT = 50_000;

export interface Load {
  readonly streams: number;
  /** Reaching clients, all together. */
  readonly eventsPerSecond: number;
  readonly mode: Mode | null;
  /** 'auto': the fewest whose open files hold the streams. */
  readonly serverProcesses: number | 'auto';
}

export interface Plan {
  readonly serverProcesses: number;
  readonly clientProcesses: number;
  /** What is short even so. */
  readonly problems: readonly Check[];
}

/** How many processes a load takes on this machine, and what it does not have for them. Pure. */
export function plan(load: Load, limits: Limits): Plan {
  const { streams, mode } = load;
  const serverProcesses =
    load.serverProcesses === 'auto'
      ? serverProcessesFor(streams, mode, limits.openFiles.hard)
      : load.serverProcesses;
  const clientProcesses = Math.max(
    clientProcessesFor(streams, limits.openFiles.hard),
    forEvents(load, limits.cores - serverProcesses),
  );
  const checks = needs({ streams, mode, serverProcesses, clientProcesses }, limits);
  return { serverProcesses, clientProcesses, problems: checks.filter(({ enough }) => !enough) };
}

/** More processes than cores would share them, and wait for each other. */
function forEvents({ streams, eventsPerSecond }: Load, coresLeft: number): number {
  return Math.max(1, Math.min(Math.ceil(eventsPerSecond / EVENTS_PER_CLIENT), coresLeft, streams));
}
