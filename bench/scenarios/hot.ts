import { speedRow } from '../report/rows.ts';
import { decimal } from '../report/table.ts';
import { cpuUsPerEvent } from '../run/result.ts';
import { compare } from './compare.ts';
import type { Scenario } from './scenario.ts';

const TARGET_US = 7;
const TARGET_RATIO = 0.7;

export const hot: Scenario = {
  name: 'hot',
  summary: '5,000 streams on one channel, 20 messages/s of 200 bytes',
  openFiles: 6_000,
  async run(bench) {
    const flow = { name: 'hot', channels: 1, streams: 5_000, rate: 20, bytes: 200 };
    const { ssemux, nchan, runs } = await compare(bench, [flow]);
    const own = cpuUsPerEvent(ssemux);
    const ratio = nchan === null ? NaN : own / cpuUsPerEvent(nchan);
    const text = `CPU per event ${decimal(own)} us (target <= ${TARGET_US}), or ${decimal(ratio)} of nchan's (target <= ${TARGET_RATIO})`;
    return {
      rows: runs.map(speedRow),
      runs,
      targets: [{ text, met: own <= TARGET_US || ratio <= TARGET_RATIO }],
    };
  },
};
