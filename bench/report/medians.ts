import type { Figure } from './figures.ts';
import { type Group, isWeighed, spread, stoppedRun, type Topic } from './group.ts';
import { written, writtenAs } from './measures.ts';
import { type Cell, NONE, number, ofFigure, type Table, words } from './table.ts';

const MEDIANS: readonly { title: string; figures: readonly Figure[] }[] = [
  {
    title: 'Delivery and latency: medians and ranges',
    figures: [
      'offered',
      'eventsPerSecond',
      'p50Ms',
      'p90Ms',
      'p99Ms',
      'p999Ms',
      'maxMs',
      'roundTripP99Ms',
      'backAllMs',
    ],
  },
  {
    title: 'CPU, memory and connections: medians and ranges',
    figures: [
      'cpuUsPerEvent',
      'valkeyCpuUsPerEvent',
      'memoryMiB',
      'memoryPerStreamKiB',
      'valkeyConnections',
      'valkeyResidentMiB',
    ],
  },
  {
    title: 'Opening streams: medians and ranges',
    figures: ['opened', 'opensPerSecond', 'connectP50Ms', 'connectP99Ms', 'connectMaxMs'],
  },
];
/** Of interest where opening streams was what it was about. */
const OPENING: readonly Figure[] = ['opensPerSecond', 'connectP50Ms', 'connectP99Ms', 'connectMaxMs'];

/** A row for every group: the medians of its repetitions, and how far they spread. */
export function medians(topic: Topic): Table[] {
  const { groups } = topic;
  const weighed = groups.some(isWeighed);
  const stopped = groups.some((group) => stoppedRun(group) !== undefined);
  const asked = (figure: Figure) =>
    figure === 'opened' ? weighed || stopped : weighed || !OPENING.includes(figure);
  return MEDIANS.flatMap(({ title, figures }) => {
    const shown = figures.filter(
      (figure) => asked(figure) && groups.some((group) => spread(group, figure) !== null),
    );
    if (shown.length === 0) return [];
    return {
      title,
      columns: [
        words('server'),
        number('streams'),
        ...shown.map(ofFigure),
        words('result'),
        words('from lines'),
      ],
      rows: groups.map((group) => [
        { text: group.server },
        { text: written(group.streams) },
        ...shown.map((figure) => medianCell(group, figure)),
        outcome(group),
        { text: group.runs.map(({ line }) => line).join(', ') },
      ]),
    };
  });
}

function medianCell(group: Group, figure: Figure): Cell {
  const value = spread(group, figure);
  if (value === null) return NONE;
  const [text, min, max] = [value.median, value.min, value.max].map((each) => writtenAs(figure, each));
  return { text: text!, ...(min !== max && { range: `${min}–${max}` }) };
}

function outcome(group: Group): Cell {
  const faulty = group.runs.filter(({ faults }) => faults.length > 0).length;
  if (faulty > 0) return { text: `faults in ${faulty} of ${group.runs.length}`, tone: 'fault' };
  const stopped = stoppedRun(group);
  if (stopped !== undefined) return { text: `refused: ${stopped.record.stopped!.limit}`, tone: 'stopped' };
  const doubtful = group.runs.filter(({ doubts }) => doubts.length > 0).length;
  if (doubtful > 0) return { text: `in doubt: ${doubtful} of ${group.runs.length}`, tone: 'doubt' };
  return { text: 'faultless' };
}
