import { runsOf, type Section } from './group.ts';
import { written } from './measures.ts';
import { type Cell, type Table, words } from './table.ts';

/** What no longer opened, why, and what to do about it; null if nothing was refused. */
export function refusals({ topics }: Section): Table | null {
  const rows = topics.flatMap(runsOf).flatMap(({ group, run }): Cell[][] => {
    const { stopped } = run.record;
    if (stopped === null) return [];
    const opened = `${written(run.figures.opened)} of ${written(group.streams)}`;
    return [
      [
        { text: group.server },
        { text: group.scenario.name },
        { text: opened, tone: 'stopped' },
        { text: stopped.limit },
        { text: stopped.reason },
        { text: stopped.fix },
        { text: String(run.line) },
      ],
    ];
  });
  if (rows.length === 0) return null;
  const columns = ['server', 'scenario', 'opened', 'limit', 'what happened', 'to go further', 'line'].map(
    words,
  );
  return { title: 'Refusals', columns, rows };
}

/** The command that repeats each run. */
export function commands({ topics }: Section): Table {
  return {
    title: 'To repeat one run',
    columns: [words('lines'), words('command')],
    rows: [...Map.groupBy(topics.flatMap(runsOf), ({ run }) => run.record.repeat)].map(([repeat, same]) => [
      { text: same.map(({ run }) => run.line).join(', ') },
      { text: repeat, code: true },
    ]),
  };
}
