import { eventsPerSecond, totalEventsPerSecond, totalStreams } from '../load/flow.ts';
import { mergeHistograms } from '../load/latency.ts';
import { total } from '../load/sums.ts';
import type { FlowResult, Measured, RunRecord } from '../results/record.ts';
import { integer } from '../terminal/table.ts';

// What is derived from one run: figures, faults of the server, and doubts whether the figures are the server's alone.

const BUSY_PERCENT = 80;
const OTHERS_PERCENT = 20;
/** By the run's own processes, of the cores that are not the server's: a client then waits for one, which counts as latency. */
const FULL_PERCENT = 90;
const STOLEN_PERCENT = 5;
/** A publisher's lateness counts where it is much of the latency that was measured, and from 5 ms on always. */
const LATE_SHARE = 0.2;
const LATE_LEAST_MS = 0.5;
const LATE_MS = 5;
/** A server that delivers less of what is offered is overloaded; its cost per event compares with nobody's. */
const KEEPS_UP = 0.95;

export interface Figures {
  /** Streams that were to be open, over all flows. */
  readonly streams: number;
  readonly opened: number;
  readonly opensPerSecond: number | null;
  readonly connectP50Ms: number | null;
  readonly connectP99Ms: number | null;
  readonly connectMaxMs: number | null;
  /** Events per second that the streams were to receive; null where not all of them were open. */
  readonly offered: number | null;
  readonly eventsPerSecond: number | null;
  /** Latencies are of the headline flow. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly p9999Ms: number | null;
  readonly maxMs: number | null;
  readonly roundTripP50Ms: number | null;
  readonly roundTripP99Ms: number | null;
  readonly latenessP99Ms: number | null;
  readonly cpuUsPerEvent: number | null;
  readonly valkeyCpuUsPerEvent: number | null;
  /** Percentages are of one core. */
  readonly serverPercent: number | null;
  readonly valkeyPercent: number | null;
  readonly clientPercent: number | null;
  readonly publisherPercent: number | null;
  readonly othersPercent: number | null;
  /** What the run's other processes used of all the cores that are not the server's. */
  readonly sharedPercent: number | null;
  readonly stolenPercent: number | null;
  /** Server memory with all streams open, and at the end of the window. */
  readonly memoryMiB: number;
  readonly memoryEndMiB: number | null;
  readonly memoryPerStreamKiB: number | null;
  readonly kernelPerStreamKiB: number | null;
  readonly valkeyConnections: number | null;
  readonly valkeyUsedMiB: number | null;
  readonly valkeyResidentMiB: number | null;
  /** After a storm, until half of the streams receive again, and until all do; null where some never did. */
  readonly backP50Ms: number | null;
  readonly backAllMs: number | null;
  /** After a storm, until half of the streams are open again, and until all are. */
  readonly reconnectP50Ms: number | null;
  readonly reconnectMaxMs: number | null;
  /** Attempts to open a stream that were refused, before the window or in a storm. */
  readonly refusedAttempts: number;
}

export type Figure = keyof Figures;

const derived = new WeakMap<RunRecord, Figures>();

export function figures(run: RunRecord): Figures {
  const known = derived.get(run);
  if (known !== undefined) return known;
  const made = derive(run);
  derived.set(run, made);
  return made;
}

function derive(run: RunRecord): Figures {
  const { scenario, opening, stopped, measured, memoryKiB, valkey } = run;
  const [p50Ms, p90Ms, p99Ms, p999Ms, p9999Ms, maxMs] = percentilesMs(
    headline(run)?.latencyUs,
    50,
    90,
    99,
    99.9,
    99.99,
    100,
  );
  const [roundTripP50Ms, roundTripP99Ms] = percentilesMs(measured?.publishing.roundTripUs, 50, 99);
  const [connectP50Ms, connectP99Ms, connectMaxMs] = percentilesMs(opening.connectUs, 50, 99, 100);
  const storm = measured?.storm;
  const [reconnectP50Ms, reconnectMaxMs] = percentilesMs(storm?.reconnectUs, 50, 100);
  const [backP50Ms, backAllMs] = percentilesMs(storm?.gone === 0 ? storm.backUs : undefined, 50, 100);
  return {
    streams: totalStreams(scenario),
    opened: opening.opened,
    opensPerSecond: ratio(opening.opened, opening.seconds),
    connectP50Ms: connectP50Ms!,
    connectP99Ms: connectP99Ms!,
    connectMaxMs: connectMaxMs!,
    offered: stopped === null ? totalEventsPerSecond(scenario) : null,
    eventsPerSecond: measured && ratio(delivered(measured), measured.seconds),
    p50Ms: p50Ms!,
    p90Ms: p90Ms!,
    p99Ms: p99Ms!,
    p999Ms: p999Ms!,
    p9999Ms: p9999Ms!,
    maxMs: maxMs!,
    roundTripP50Ms: roundTripP50Ms!,
    roundTripP99Ms: roundTripP99Ms!,
    latenessP99Ms: percentilesMs(measured?.publishing.latenessUs, 99)[0]!,
    cpuUsPerEvent: measured && ratio(measured.cpuUs.server, delivered(measured)),
    valkeyCpuUsPerEvent: measured && ratio(measured.cpuUs.valkey, delivered(measured)),
    serverPercent: percentOfCore(measured, 'server'),
    valkeyPercent: percentOfCore(measured, 'valkey'),
    clientPercent: percentOfCore(measured, 'client'),
    publisherPercent: percentOfCore(measured, 'publisher'),
    othersPercent: percentOfCore(measured, 'others'),
    sharedPercent: measured && ratio(percentOfCore(measured, 'shared'), measured.sharedCores ?? 0),
    stolenPercent: percentOfCore(measured, 'stolen'),
    memoryMiB: memoryKiB.open / 1024,
    memoryEndMiB: memoryKiB.end === null ? null : memoryKiB.end / 1024,
    memoryPerStreamKiB: memoryPerStream(run),
    kernelPerStreamKiB: ratio(memoryKiB.kernelSockets, opening.opened),
    valkeyConnections: valkey?.connections ?? null,
    valkeyUsedMiB: valkey && valkey.usedMemoryKiB / 1024,
    valkeyResidentMiB: valkey && valkey.residentKiB / 1024,
    backP50Ms: backP50Ms!,
    backAllMs: backAllMs!,
    reconnectP50Ms: reconnectP50Ms!,
    reconnectMaxMs: reconnectMaxMs!,
    refusedAttempts: total(
      [...Object.values(opening.refused), ...Object.values(storm?.refused ?? {})],
      (times) => times,
    ),
  };
}

/** The flow whose latency is the run's result. */
export function headline({ scenario, measured }: RunRecord): FlowResult | null {
  const name = scenario.headline ?? scenario.flows[0]!.name;
  return measured?.flows.find((flow) => flow.name === name) ?? null;
}

/** Percentiles of an encoded histogram of us; nulls for one that is empty or missing. */
function percentilesMs(encoded: string | undefined, ...percentiles: number[]): (number | null)[] {
  const histogram = encoded === undefined ? null : mergeHistograms([encoded]);
  if (histogram === null || histogram.totalCount === 0) return percentiles.map(() => null);
  return percentiles.map((percentile) => histogram.getValueAtPercentile(percentile) / 1_000);
}

/** What a further stream takes: from few streams to all where that was measured, else from none. */
function memoryPerStream({ opening, memoryKiB: { empty, few, open } }: RunRecord): number | null {
  if (few === null) return ratio(open - empty, opening.opened);
  return ratio(open - few.kib, opening.opened - few.streams);
}

function delivered({ flows }: Measured): number {
  return total(flows, (flow) => flow.delivered);
}

function percentOfCore(measured: Measured | null, of: keyof Measured['cpuUs']): number | null {
  return measured && ratio(measured.cpuUs[of], measured.seconds * 1e4);
}

function ratio(of: number | null, over: number): number | null {
  return of === null || over <= 0 ? null : of / over;
}

/** The counts that are 0 as long as a server does what it should. */
export const FAULTS = ['lost', 'duplicated', 'reordered', 'misdirected', 'malformed', 'ended'] as const;
type Fault = (typeof FAULTS)[number];

const SENTENCES: Record<Fault, (count: number) => string> = {
  lost: (count) => `${counted(count, 'event')} lost`,
  duplicated: (count) => `${counted(count, 'event')} duplicated`,
  reordered: (count) => `${counted(count, 'event')} out of order`,
  misdirected: (count) => `${counted(count, 'event')} on a stream that had not asked for it`,
  malformed: (count) => `${counted(count, 'event')} malformed`,
  ended: (count) => `${counted(count, 'stream')} ended by the server`,
};

/** What the server did wrong; empty for a faultless run. A refusal is no fault, nor is to end streams that never read. */
export function faults({ measured }: RunRecord): string[] {
  if (measured === null) return [];
  const found = FAULTS.flatMap((fault) => {
    const guilty = measured.flows.filter((flow) => flow[fault] > 0);
    if (guilty.length === 0) return [];
    const where = measured.flows.length > 1 ? ` (${guilty.map(({ name }) => name).join(', ')})` : '';
    return [`${SENTENCES[fault](total(guilty, (flow) => flow[fault]))}${where}`];
  });
  if (delivered(measured) === 0) found.push('no event reached any stream in the window');
  const gone = measured.storm?.gone ?? 0;
  return gone > 0 ? [...found, `${counted(gone, 'stream')} not back after the storm`] : found;
}

/** Reasons why a run's figures may not be the server's alone. */
export function doubts(run: RunRecord): string[] {
  const {
    clientPercent,
    publisherPercent,
    othersPercent,
    sharedPercent,
    stolenPercent,
    latenessP99Ms,
    p99Ms,
  } = figures(run);
  const { storm, publishing } = run.measured ?? {};
  const failed = publishing?.failed ?? 0;
  const used = (who: string, percent: number | null, limit: number) =>
    percent !== null && percent > limit ? [`${who} used ${integer(percent)} % of a core`] : [];
  const late = Math.min(LATE_MS, Math.max(LATE_LEAST_MS, LATE_SHARE * (p99Ms ?? 0)));
  return [
    ...used('the busiest client process', clientPercent, BUSY_PERCENT),
    ...used('the publisher', publisherPercent, BUSY_PERCENT),
    ...used('other programs', othersPercent, OTHERS_PERCENT),
    ...(sharedPercent !== null && sharedPercent > FULL_PERCENT
      ? [`clients, publisher and Valkey used ${integer(sharedPercent)} % of the cores beside the server's`]
      : []),
    ...(storm != null && storm.clientPercent !== null && storm.clientPercent > BUSY_PERCENT
      ? [`a client process used ${integer(storm.clientPercent)} % of a core until all were back`]
      : []),
    ...(stolenPercent !== null && stolenPercent > STOLEN_PERCENT
      ? [`the machine's host took ${integer(stolenPercent)} % of a core away`]
      : []),
    ...(latenessP99Ms !== null && latenessP99Ms > late
      ? [`the publisher was ${latenessP99Ms.toFixed(1)} ms late (p99)`]
      : []),
    ...(failed > 0 ? [`${counted(failed, 'message')} could not be published`] : []),
  ];
}

/** Whether the server delivered clearly less of a flow within the window than was offered. In a storm that is meant to be. */
export function isOverloaded({ scenario, stopped, measured }: RunRecord): boolean {
  if (stopped !== null || measured === null || scenario.storm) return false;
  return scenario.flows.some((flow) => {
    const found = measured.flows.find(({ name }) => name === flow.name);
    return found !== undefined && found.delivered < KEEPS_UP * eventsPerSecond(flow) * measured.seconds;
  });
}

export function counted(count: number, noun: string): string {
  return `${integer(count)} ${noun}${count === 1 ? '' : 's'}`;
}
