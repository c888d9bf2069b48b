import { decimal, integer, type Row } from '../../bench/terminal/table.ts';
import type { Fired } from './fire.ts';

/** One target, fired at beside so many idle streams. */
export interface LoadtestRecord extends Fired {
  readonly record: 'loadtest';
  readonly at: string;
  readonly target: string;
  readonly connections: number;
  /** Held throughout, and how many of them the gateway had ended by the end of this run. */
  readonly idle: { readonly streams: number; readonly ended: number };
}

export function rowOf({ target, connections, idle, result, cpuUs, seconds }: LoadtestRecord): Row {
  const { latency } = result;
  return {
    target,
    connections: integer(connections),
    'idle streams': integer(idle.streams),
    'requests/s': integer(answered(result) / seconds),
    'p50 ms': milliseconds(latency.p50),
    'p97.5 ms': milliseconds(latency.p97_5),
    'p99 ms': milliseconds(latency.p99),
    'max ms': milliseconds(latency.max),
    errors: integer(result.errors + result.mismatches),
    'non-2xx': integer(result.non2xx),
    'autocannon CPU %': decimal(share(cpuUs.publisher, seconds)),
    'gateway CPU %': decimal(share(cpuUs.server, seconds)),
    'us CPU/request': decimal(cpuUs.server / answered(result)),
  };
}

/** What must not happen, in words. */
export function faultsOf({ target, connections, idle, result }: LoadtestRecord): string[] {
  const { errors, timeouts, mismatches, non2xx } = result;
  const counts: [number, string][] = [
    [answered(result) === 0 ? 1 : 0, 'run without an answer'],
    [errors - timeouts, 'connection errors'],
    [timeouts, 'timeouts'],
    [mismatches, 'answers other than the right one'],
    [non2xx, 'answers other than 2xx'],
    [idle.ended, `of ${integer(idle.streams)} idle streams ended`],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${target}, ${connections} connections: ${integer(count)} ${what}`);
}

/** Whether the gateway had time to spare: then the figure is what autocannon, or Valkey, could do. */
export function isUnsaturated({ cpuUs, seconds }: LoadtestRecord): boolean {
  return share(cpuUs.server, seconds) < 90;
}

function answered(result: Fired['result']): number {
  return result['2xx'] + result.non2xx;
}

/** Percent of one core. */
function share(us: number, seconds: number): number {
  return us / seconds / 10_000;
}

/** autocannon rounds down to whole ones. */
function milliseconds(value: number): string {
  return value === 0 ? '<1' : integer(value);
}
