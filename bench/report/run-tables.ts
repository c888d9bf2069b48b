import { FAULTS, type Figure, headline } from './figures.ts';
import { type Group, type Placed, type Run, runsOf, type Topic } from './group.ts';
import { written, writtenAs } from './measures.ts';
import { type Cell, NONE, number, ofFigure, type Table, words } from './table.ts';

const IDENTITY = [words('server'), number('streams'), number('repetition'), number('line')];

function identity(group: Group, { record, line }: Run): Cell[] {
  return [
    { text: group.server },
    { text: written(group.streams) },
    { text: String(record.repetition) },
    { text: String(line) },
  ];
}

/** Every run and flow with its counts of events; null where nothing was published. */
export function deliveries(topic: Topic): Table | null {
  const several = topic.groups.some(({ scenario }) => scenario.flows.length > 1);
  const all = runsOf(topic);
  const replaced = all.some(({ run }) => run.record.measured?.flows.some((flow) => flow.replaced > 0));
  const unread = topic.groups.some(({ scenario }) => scenario.flows.some((flow) => flow.neverRead > 0));
  const rows = all.flatMap(({ group, run }) =>
    (run.record.measured?.flows ?? []).map((flow): Cell[] => [
      ...identity(group, run),
      ...(several ? [{ text: flow === headline(run.record) ? `${flow.name} (headline)` : flow.name }] : []),
      { text: written(flow.delivered) },
      ...FAULTS.map(
        (fault): Cell => ({ text: written(flow[fault]), ...(flow[fault] > 0 && { tone: 'fault' }) }),
      ),
      ...(replaced ? [{ text: written(flow.replaced) }] : []),
      ...(unread ? [{ text: written(flow.unreadEnded) }] : []),
    ]),
  );
  if (rows.length === 0) return null;
  return {
    title: 'Delivery of every run',
    columns: [
      ...IDENTITY,
      ...(several ? [words('flow')] : []),
      number('delivered', 'events'),
      ...FAULTS.map((fault) => number(fault, fault === 'ended' ? 'streams' : '')),
      ...(replaced ? [number('replaced', 'streams')] : []),
      ...(unread ? [number('ended unread', 'streams')] : []),
    ],
    rows,
  };
}

const EVERY_RUN: readonly { title: string; figures: readonly Figure[] }[] = [
  {
    title: 'Opening of every run',
    figures: ['opened', 'opensPerSecond', 'connectP50Ms', 'connectP99Ms', 'connectMaxMs', 'refusedAttempts'],
  },
  {
    title: 'Latency of every run',
    figures: ['offered', 'eventsPerSecond', 'p50Ms', 'p90Ms', 'p99Ms', 'p999Ms', 'p9999Ms', 'maxMs'],
  },
  {
    title: 'Coming back, of every run',
    figures: ['reconnectP50Ms', 'reconnectMaxMs', 'backP50Ms', 'backAllMs'],
  },
  {
    title: 'CPU of every run',
    figures: [
      'cpuUsPerEvent',
      'valkeyCpuUsPerEvent',
      'serverPercent',
      'valkeyPercent',
      'clientPercent',
      'publisherPercent',
      'othersPercent',
      'sharedPercent',
      'stolenPercent',
    ],
  },
  {
    title: 'Memory and connections of every run',
    figures: [
      'memoryMiB',
      'memoryEndMiB',
      'memoryPerStreamKiB',
      'kernelPerStreamKiB',
      'valkeyConnections',
      'valkeyUsedMiB',
      'valkeyResidentMiB',
    ],
  },
];

/** A row for every repetition, by subject, and last the publisher with what is doubtful. */
export function everyRun(topic: Topic): Table[] {
  const all = runsOf(topic);
  const tables = EVERY_RUN.map(({ title, figures }) => figureTable(title, figures, all)).filter(
    ({ columns }) => columns.length > IDENTITY.length,
  );
  const publisher = figureTable(
    'Publisher and doubts of every run',
    ['roundTripP50Ms', 'roundTripP99Ms', 'latenessP99Ms'],
    all,
  );
  return [
    ...tables,
    {
      ...publisher,
      columns: [...publisher.columns, number('failed', 'messages'), words('doubts')],
      rows: publisher.rows.map((row, i) => {
        const { record, doubts } = all[i]!.run;
        const failed = record.measured?.publishing.failed;
        return [
          ...row,
          failed === undefined ? NONE : { text: written(failed), ...(failed > 0 && { tone: 'doubt' }) },
          doubts.length > 0 ? { text: doubts.join('; '), tone: 'doubt' } : { text: 'none' },
        ];
      }),
    },
  ];
}

function figureTable(title: string, figures: readonly Figure[], all: readonly Placed[]): Table {
  const shown = figures.filter((figure) => all.some(({ run }) => run.figures[figure] !== null));
  return {
    title,
    columns: [...IDENTITY, ...shown.map(ofFigure)],
    rows: all.map(({ group, run }) => [
      ...identity(group, run),
      ...shown.map((figure) => {
        const value = run.figures[figure];
        return value === null ? NONE : { text: writtenAs(figure, value) };
      }),
    ]),
  };
}
