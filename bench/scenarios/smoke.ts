import { speedRow } from '../report/rows.ts';
import { run } from '../run/run.ts';
import type { Scenario } from './scenario.ts';

/** Not a measurement: proof that both modes deliver everything, small enough for every build. */
export const smoke: Scenario = {
  name: 'smoke',
  summary: '200 streams on one channel, 20 messages/s, both modes, 2 seconds',
  openFiles: 1_000,
  async run(bench) {
    const flow = { name: 'smoke', channels: 1, streams: 200, rate: 20, bytes: 200 };
    const dedup = await bench.gateway('dedup', (server) => run(server, [flow], 2));
    const each = await bench.gateway('per-connection', (server) => run(server, [flow], 2));
    const runs = [dedup, each];
    return { rows: runs.map(speedRow), runs, targets: [] };
  },
};
