import { doubts } from '../run/result.ts';
import type { Outcome } from '../scenarios/scenario.ts';
import { faultRow, surroundingsRow } from './rows.ts';
import { table } from './table.ts';

export function printOutcome({ rows, runs, targets }: Outcome): void {
  console.log(table(rows));
  if (runs.length > 0) {
    console.log(`\n${table(runs.map(surroundingsRow))}`);
    console.log(`\n${table(runs.flatMap((run) => run.flows.map((flow) => faultRow(run, flow))))}`);
  }
  console.log();
  const doubtful = runs.some((run) => doubts(run).length > 0) ? ' -- in doubt' : '';
  for (const { text, met } of targets) console.log(`${met ? 'met   ' : 'MISSED'}  ${text}${doubtful}`);
  for (const run of runs) {
    for (const doubt of doubts(run))
      console.log(`doubt   ${run.server}: ${doubt}; not the server's figures alone`);
  }
}
