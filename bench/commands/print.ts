import { doubts, type Figure, faults, figures, isOverloaded } from '../report/figures.ts';
import { MEASURES, writtenAs } from '../report/measures.ts';
import type { RunRecord } from '../results/record.ts';
import { type Row, table } from '../terminal/table.ts';

/** What a run came to, in a line or a few: the first impression, while the next run is under way. */
export function printRun(run: RunRecord): void {
  const shown = (
    ['p50Ms', 'p99Ms', 'cpuUsPerEvent', 'memoryPerStreamKiB', 'backAllMs', 'valkeyConnections'] as const
  )
    .map((figure) => ({ figure, value: figures(run)[figure] }))
    .flatMap(({ figure, value }) => (value === null ? [] : [wordsOf(figure, value)]));
  console.log(`  ${shown.join(' · ')}`);
  if (run.stopped !== null) {
    console.log(
      `  STOPPED by ${run.stopped.limit}: ${run.stopped.reason}\n  To go further: ${run.stopped.fix}`,
    );
  }
  if (isOverloaded(run)) console.log('  overloaded: it delivered less than was offered');
  for (const fault of faults(run)) console.log(`  FAULT ${fault}`);
  for (const doubt of doubts(run)) console.log(`  doubt: ${doubt}; these figures are not the server's alone`);
}

/** All runs, a row each in every table. The report has more. */
export function printRuns(runs: readonly RunRecord[]): void {
  console.log(TABLES.map((figures) => tableOf(figures, runs)).join('\n\n'));
}

const TABLES: readonly (readonly Figure[])[] = [
  ['opened', 'opensPerSecond', 'connectP50Ms', 'connectP99Ms', 'backAllMs'],
  ['eventsPerSecond', 'p50Ms', 'p90Ms', 'p99Ms', 'p999Ms', 'maxMs', 'roundTripP99Ms'],
  ['cpuUsPerEvent', 'valkeyCpuUsPerEvent', 'serverPercent', 'valkeyPercent', 'clientPercent'],
  ['memoryMiB', 'memoryPerStreamKiB', 'kernelPerStreamKiB', 'valkeyConnections', 'valkeyResidentMiB'],
];

/** Without the figures that none of the runs has. */
function tableOf(of: readonly Figure[], runs: readonly RunRecord[]): string {
  const shown = of.filter((figure) => runs.some((run) => figures(run)[figure] !== null));
  return table(
    runs.map((run): Row => {
      const { name, mode } = run.server;
      const cells = shown.map((figure) => {
        const value = figures(run)[figure];
        const { name: label, unit } = MEASURES[figure];
        return [unit === '' ? label : `${label} ${unit}`, value === null ? '-' : writtenAs(figure, value)];
      });
      return {
        scenario: run.scenario.name,
        server: mode === null ? name : `${name} ${mode}`,
        ...Object.fromEntries(cells),
      };
    }),
  );
}

function wordsOf(figure: Figure, value: number): string {
  const { name, unit } = MEASURES[figure];
  return `${name} ${writtenAs(figure, value)} ${unit}`.trim();
}
