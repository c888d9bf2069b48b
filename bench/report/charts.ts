import { mergeHistograms } from '../load/latency.ts';
import { type Axis, linearAxis, logAxis, percentileAxis, stepsAxis } from './axis.ts';
import { type Bar, barChart } from './bar-chart.ts';
import { type Figure, headline } from './figures.ts';
import { type Group, served, spread, stoppedRun, type Topic } from './group.ts';
import { type Line, lineChart, type Point } from './line-chart.ts';
import { MEASURES, written, writtenAs } from './measures.ts';

export interface Chart {
  readonly title: string;
  /** The same in words, for those who do not see it. */
  readonly description: string;
  readonly svg: string;
  /** Empty where the servers' names are in the chart. */
  readonly legend: readonly { readonly server: string; readonly colour: number }[];
  /** Whether it is higher than others beside it. */
  readonly tall: boolean;
}

const MOST_NINES = 4;
const LEAST_MS = 0.001;

const AGAINST_STREAMS: readonly { figure: Figure; title: string; log: boolean }[] = [
  { figure: 'p99Ms', title: 'p99 latency', log: true },
  { figure: 'valkeyConnections', title: 'Valkey connections', log: true },
  { figure: 'cpuUsPerEvent', title: 'Server CPU per delivered event', log: false },
  { figure: 'memoryMiB', title: 'Server memory', log: false },
  { figure: 'valkeyPercent', title: 'Valkey CPU', log: false },
  { figure: 'valkeyResidentMiB', title: 'Valkey memory', log: false },
];

const SIDE_BY_SIDE: readonly { figure: Figure; title: string }[] = [
  { figure: 'backAllMs', title: 'Storm: until all streams receive again' },
  { figure: 'p99Ms', title: 'p99 latency' },
  { figure: 'cpuUsPerEvent', title: 'Server CPU per delivered event' },
  { figure: 'memoryPerStreamKiB', title: 'Server memory per stream' },
];

export function chartsOf(topic: Topic): Chart[] {
  if (topic.steps.length > 1) {
    return [
      ...AGAINST_STREAMS.flatMap((each) => againstStreams(topic, each)),
      ...topic.steps.flatMap((step) => curves(topic, step, `Latency at ${written(step)} streams`)),
    ];
  }
  return [
    ...curves(topic, topic.steps[0]!, 'Latency'),
    ...(topic.groups.length > 1 ? SIDE_BY_SIDE.flatMap((each) => sideBySide(topic, each)) : []),
    ...(topic.groups.some(stoppedRun) ? [openedOf(topic)] : []),
  ];
}

/** Latency by percentile: the histograms of all repetitions added up. */
function curves({ groups, steps }: Topic, step: number, title: string): Chart[] {
  const flow = groups[0]!.scenario.headline ?? groups[0]!.scenario.flows[0]!.name;
  const histograms = groups
    .filter((group) => steps.length === 1 || group.streams === step)
    .map((group) => ({ group, merged: mergedLatency(group) }))
    .filter(({ merged }) => merged.totalCount > 0);
  if (histograms.length === 0) return [];
  const nines = (events: number) => Math.min(MOST_NINES, Math.log10(events));
  const most = Math.max(1, ...histograms.map(({ merged }) => nines(merged.totalCount)));
  const x = percentileAxis(most);
  const lines = histograms.map(({ group, merged }): Line => {
    const end = nines(merged.totalCount);
    const percentiles = [...steppedPercentiles(end), ...x.ticks].filter(
      (percentile) => x.position(percentile) <= end + 1e-9,
    );
    const points = [...new Set(percentiles)]
      .toSorted((a, b) => a - b)
      .map((percentile): Point => {
        const ms = merged.getValueAtPercentile(percentile) / 1_000;
        return { x: percentile, y: Math.max(LEAST_MS, ms), marked: x.ticks.includes(percentile) };
      });
    return { server: group.server, colour: group.colour, points };
  });
  const y = logAxis(
    'ms',
    lines.flatMap(({ points }) => points.map((point) => point.y)),
  );
  const of = groups[0]!.scenario.flows.length > 1 ? `, flow ${flow}` : '';
  return [lineChartOf(`${title}${of}`, x, y, lines)];
}

function steppedPercentiles(nines: number): number[] {
  return Array.from({ length: Math.floor(nines * 20) + 1 }, (_, i) => 100 - 100 / 10 ** (i / 20));
}

function mergedLatency({ runs }: Group) {
  return mergeHistograms(runs.flatMap(({ record }) => headline(record)?.latencyUs ?? []));
}

function againstStreams(topic: Topic, { figure, title, log }: (typeof AGAINST_STREAMS)[number]): Chart[] {
  const lines = topic.servers.flatMap((server): Line[] => {
    const groups = topic.groups.filter((group) => group.server === server && served(group));
    const points = groups.flatMap((group): Point[] => {
      const value = spread(group, figure);
      if (value === null || (log && value.min <= 0)) return [];
      const range = value.max > value.min ? ([value.min, value.max] as const) : undefined;
      return [{ x: group.streams, y: value.median, marked: true, ...(range && { range }) }];
    });
    return points.length > 0 ? [{ server, colour: groups[0]!.colour, points }] : [];
  });
  if (!lines.some(({ points }) => points.length > 1)) return [];
  const values = lines.flatMap(({ points }) => points.flatMap(({ y, range }) => range ?? [y]));
  const { unit } = MEASURES[figure];
  const y = log ? logAxis(unit || 'connections', values) : linearAxis(unit, values);
  return [lineChartOf(title, stepsAxis('streams', topic.steps), y, lines)];
}

function lineChartOf(title: string, x: Axis, y: Axis, lines: readonly Line[]): Chart {
  const inWords = lines.map(({ server, points }) => {
    const marked = points.filter((point) => point.marked);
    return `${server}: ${marked.map((point) => `${written(point.y)} at ${x.write(point.x)}`).join(', ')}`;
  });
  return {
    title,
    description: `${y.name} by ${x.name}. ${inWords.join('. ')}.`,
    svg: lineChart(x, y, lines),
    legend: lines.map(({ server, colour }) => ({ server, colour })),
    tall: true,
  };
}

function sideBySide({ groups }: Topic, { figure, title }: (typeof SIDE_BY_SIDE)[number]): Chart[] {
  const bars = groups.map((group): Bar => {
    const { server, colour } = group;
    const value = spread(group, figure);
    if (value === null) return { server, colour, value: null, text: absence(group, figure) };
    const bar = { server, colour, value: value.median, text: writtenAs(figure, value.median) };
    return value.max > value.min ? { ...bar, range: [value.min, value.max] } : bar;
  });
  if (!bars.some(({ value }) => value !== null)) return [];
  return [barChartOf(title, MEASURES[figure].unit, bars)];
}

function absence(group: Group, figure: Figure): string {
  const stopped = stoppedRun(group);
  if (stopped !== undefined) return `refused at ${written(stopped.figures.opened)} streams`;
  return figure === 'backAllMs' ? 'some never came back' : 'not measured';
}

function openedOf({ groups }: Topic): Chart {
  const bars = groups.map((group): Bar => {
    const opened = spread(group, 'opened')!.median;
    const text = `${written(opened)} of ${written(group.streams)}`;
    return { server: group.server, colour: group.colour, value: opened, text };
  });
  return barChartOf('Streams opened', 'streams', bars);
}

function barChartOf(title: string, unit: string, bars: readonly Bar[]): Chart {
  const inWords = bars.map(({ server, text }) => `${server}: ${text}`).join('. ');
  return { title, description: `${unit}. ${inWords}.`, svg: barChart(unit, bars), legend: [], tall: false };
}
