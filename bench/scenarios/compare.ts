import type { Flow } from '../load/flow.ts';
import type { RunResult } from '../run/result.ts';
import { run } from '../run/run.ts';
import type { Bench } from './scenario.ts';

export interface Comparison {
  readonly ssemux: RunResult;
  readonly nchan: RunResult | null;
  readonly runs: readonly RunResult[];
}

/** The same load for the gateway in dedup mode and for nchan, one after the other. */
export async function compare(bench: Bench, flows: readonly Flow[]): Promise<Comparison> {
  const ssemux = await bench.gateway('dedup', (server) => run(server, flows, bench.seconds));
  const nchan = await bench.nchan((server) => run(server, flows, bench.seconds));
  return { ssemux, nchan, runs: nchan === null ? [ssemux] : [ssemux, nchan] };
}
