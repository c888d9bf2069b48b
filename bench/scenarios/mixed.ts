import { latencyCells } from '../report/rows.ts';
import { decimal, integer, type Row } from '../report/table.ts';
import { percentileMs, type RunResult } from '../run/result.ts';
import { compare } from './compare.ts';
import type { Scenario } from './scenario.ts';

const TARGET_P99_MS = 10;

export const mixed: Scenario = {
  name: 'mixed',
  summary: '10,000 streams on one channel at 10 messages/s, beside 200 one-stream channels at 200 messages/s',
  openFiles: 12_000,
  async run(bench) {
    const big = { name: 'big', channels: 1, streams: 10_000, rate: 10, bytes: 200 };
    const small = { name: 'small', channels: 200, streams: 200, rate: 200, bytes: 200 };
    const { ssemux, runs } = await compare(bench, [big, small]);
    const p99 = percentileMs(ssemux.flows[1]!.latency, 99);
    const text = `p99 of the small channels ${decimal(p99)} ms (target < ${TARGET_P99_MS})`;
    return { rows: runs.flatMap(flowRows), runs, targets: [{ text, met: p99 < TARGET_P99_MS }] };
  },
};

function flowRows(run: RunResult): Row[] {
  return run.flows.map((flow) => ({
    server: run.server,
    channels: flow.flow.name,
    'events/s': integer(flow.delivered / run.seconds),
    'server CPU': `${Math.round(run.serverCpu * 100)} %`,
    ...latencyCells(flow),
  }));
}
