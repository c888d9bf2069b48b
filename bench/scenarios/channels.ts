import { speedRow } from '../report/rows.ts';
import { decimal } from '../report/table.ts';
import { percentileMs } from '../run/result.ts';
import { compare } from './compare.ts';
import type { Scenario } from './scenario.ts';

export const channels: Scenario = {
  name: 'channels',
  summary: '5,000 streams on a channel each, 5,000 messages/s in all',
  openFiles: 6_000,
  async run(bench) {
    const flow = { name: 'channels', channels: 5_000, streams: 5_000, rate: 5_000, bytes: 200 };
    const { ssemux, nchan, runs } = await compare(bench, [flow]);
    const own = percentileMs(ssemux.flows[0]!.latency, 99);
    const peer = nchan === null ? NaN : percentileMs(nchan.flows[0]!.latency, 99);
    const targets = nchan === null ? [] : [{ text: p99Text(own, peer), met: own <= peer }];
    return { rows: runs.map(speedRow), runs, targets };
  },
};

function p99Text(own: number, peer: number): string {
  return `p99 ${decimal(own)} ms, nchan's ${decimal(peer)} ms (target: no worse)`;
}
