import { cpuUsPerEvent, type FlowResult, percentileMs, type RunResult } from '../run/result.ts';
import { decimal, integer, type Row } from './table.ts';

const percent = (share: number | null) => (share === null ? '-' : `${Math.round(share * 100)} %`);
const mebibytes = (kibibytes: number | null) => (kibibytes === null ? '-' : decimal(kibibytes / 1024));

/** How fast: one row per server. */
export function speedRow(run: RunResult): Row {
  return {
    server: run.server,
    'events/s': integer(run.delivered / run.seconds),
    'CPU us/event': decimal(cpuUsPerEvent(run)),
    'server CPU': percent(run.serverCpu),
    'server MiB': mebibytes(run.serverRssKiB),
    ...latencyCells(run.flows[0]!),
  };
}

/** What the run asked of everything but the server. */
export function surroundingsRow(run: RunResult): Row {
  return {
    server: run.server,
    'client CPU': percent(run.clientCpu),
    'publisher CPU': percent(run.publisherCpu),
    'others CPU': percent(run.othersCpu),
    'late p99 ms': decimal(percentileMs(run.lateness, 99)),
    'late max ms': decimal(run.lateness.maxValue / 1000),
    'Valkey CPU': percent(run.valkeyCpu),
    'Valkey MiB': mebibytes(run.valkeyRssKiB),
    'Valkey connections': run.valkeyConnections === null ? '-' : integer(run.valkeyConnections),
  };
}

export function faultRow(run: RunResult, flow: FlowResult): Row {
  return {
    server: run.server,
    flow: flow.flow.name,
    streams: integer(flow.flow.streams),
    lost: integer(flow.lost),
    duplicated: integer(flow.duplicated),
    reordered: integer(flow.reordered),
    malformed: integer(flow.malformed),
    'streams closed': integer(flow.closed),
  };
}

export function latencyCells({ latency }: FlowResult): Row {
  return {
    'p50 ms': decimal(percentileMs(latency, 50)),
    'p99 ms': decimal(percentileMs(latency, 99)),
    'p99.9 ms': decimal(percentileMs(latency, 99.9)),
    'max ms': latency.totalCount === 0 ? '-' : decimal(latency.maxValue / 1000),
  };
}
