import { eventsPerSecond } from '../load/flow.ts';
import { speedRow } from '../report/rows.ts';
import { decimal, integer } from '../report/table.ts';
import { percentileMs } from '../run/result.ts';
import { compare } from './compare.ts';
import type { Scenario } from './scenario.ts';

const TARGET_P99_MS = 50;
/** Of what was scheduled: some of the window's last events arrive just after it. */
const ALL = 0.99;

export const burst: Scenario = {
  name: 'burst',
  summary: '1,000 streams on one channel, 400 messages/s of 200 bytes',
  openFiles: 2_000,
  async run(bench) {
    const flow = { name: 'burst', channels: 1, streams: 1_000, rate: 400, bytes: 200 };
    const { ssemux, runs } = await compare(bench, [flow]);
    const offered = eventsPerSecond(flow);
    const rate = ssemux.delivered / ssemux.seconds;
    const p99 = percentileMs(ssemux.flows[0]!.latency, 99);
    return {
      rows: runs.map(speedRow),
      runs,
      targets: [
        { text: `${integer(rate)} events/s of ${integer(offered)} offered`, met: rate >= ALL * offered },
        { text: `p99 ${decimal(p99)} ms (target < ${TARGET_P99_MS})`, met: p99 < TARGET_P99_MS },
      ],
    };
  },
};
