import type { Histogram } from 'hdr-histogram-js';
import type { Flow } from '../load/flow.ts';
import { mergeHistograms } from '../load/latency.ts';
import type { ClientResult } from '../load/messages.ts';

export interface Losses {
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly malformed: number;
  /** Streams that the server ended. */
  readonly closed: number;
}

export interface FlowResult extends Losses {
  readonly flow: Flow;
  /** Events that reached clients within the window. */
  readonly delivered: number;
  readonly latency: Histogram;
}

/** What one run of a server under a load gave. CPU figures are cores in use, over the window. */
export interface RunResult {
  readonly server: string;
  readonly seconds: number;
  readonly flows: readonly FlowResult[];
  readonly delivered: number;
  readonly serverCpu: number;
  readonly serverRssKiB: number;
  readonly valkeyCpu: number | null;
  readonly valkeyRssKiB: number | null;
  readonly valkeyConnections: number | null;
  /** The busiest client process. */
  readonly clientCpu: number;
  readonly publisherCpu: number;
  /** Everything on the machine that is no part of the run. */
  readonly othersCpu: number;
  readonly publishFailures: number;
  readonly lateness: Histogram;
}

const BUSY_CLIENT = 0.8;
const BUSY_OTHERS = 0.2;
const LATE_US = 5_000;

export function cpuUsPerEvent(run: RunResult): number {
  return (run.serverCpu * run.seconds * 1e6) / run.delivered;
}

export function percentileMs(histogram: Histogram, percentile: number): number {
  return histogram.totalCount === 0 ? NaN : histogram.getValueAtPercentile(percentile) / 1000;
}

export function isFaultless(run: RunResult): boolean {
  return run.flows.every(
    (flow) => flow.lost + flow.duplicated + flow.reordered + flow.malformed + flow.closed === 0,
  );
}

/** Reasons why the figures of a run are not the server's alone. */
export function doubts(run: RunResult): string[] {
  const found: string[] = [];
  if (run.clientCpu > BUSY_CLIENT)
    found.push(`a client process used ${Math.round(run.clientCpu * 100)} % of a core`);
  if (run.othersCpu > BUSY_OTHERS)
    found.push(`other processes used ${Math.round(run.othersCpu * 100)} % of a core`);
  const late = run.lateness.getValueAtPercentile(99);
  if (late > LATE_US) found.push(`the publisher was ${Math.round(late / 1000)} ms behind its schedule (p99)`);
  if (run.publishFailures > 0) found.push(`${run.publishFailures} messages were refused when published`);
  return found;
}

export function mergeClients(flow: Flow, clients: readonly ClientResult[]): FlowResult {
  const total = (field: Exclude<keyof ClientResult, 'latency'>) =>
    clients.reduce((sum, client) => sum + client[field], 0);
  return {
    flow,
    delivered: total('delivered'),
    latency: mergeHistograms(clients.map(({ latency }) => latency)),
    lost: total('lost'),
    duplicated: total('duplicated'),
    reordered: total('reordered'),
    malformed: total('malformed'),
    closed: total('closed'),
  };
}
