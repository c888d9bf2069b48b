import { speedRow } from '../report/rows.ts';
import { run } from '../run/run.ts';
import type { Scenario } from './scenario.ts';

export const modes: Scenario = {
  name: 'modes',
  summary: 'dedup against per-connection: 2,000 streams on one channel, 20 messages/s of 200 bytes',
  openFiles: 5_000,
  async run(bench) {
    const flow = { name: 'modes', channels: 1, streams: 2_000, rate: 20, bytes: 200 };
    const dedup = await bench.gateway('dedup', (server) => run(server, [flow], bench.seconds));
    const each = await bench.gateway('per-connection', (server) => run(server, [flow], bench.seconds));
    const runs = [dedup, each];
    return { rows: runs.map(speedRow), runs, targets: [] };
  },
};
