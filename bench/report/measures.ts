import type { Figure } from './figures.ts';

/** How a figure is called and written. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
}

export const MEASURES: Readonly<Record<Figure, Measure>> = {
  streams: { name: 'streams', unit: '' },
  opened: { name: 'opened', unit: 'streams' },
  opensPerSecond: { name: 'opening', unit: 'streams/s' },
  connectP50Ms: { name: 'connect p50', unit: 'ms' },
  connectP99Ms: { name: 'connect p99', unit: 'ms' },
  connectMaxMs: { name: 'connect max', unit: 'ms' },
  offered: { name: 'offered', unit: 'events/s' },
  eventsPerSecond: { name: 'delivered', unit: 'events/s' },
  p50Ms: { name: 'p50', unit: 'ms' },
  p90Ms: { name: 'p90', unit: 'ms' },
  p99Ms: { name: 'p99', unit: 'ms' },
  p999Ms: { name: 'p99.9', unit: 'ms' },
  p9999Ms: { name: 'p99.99', unit: 'ms' },
  maxMs: { name: 'max', unit: 'ms' },
  roundTripP50Ms: { name: 'publish p50', unit: 'ms' },
  roundTripP99Ms: { name: 'publish p99', unit: 'ms' },
  latenessP99Ms: { name: 'publisher late p99', unit: 'ms' },
  cpuUsPerEvent: { name: 'server CPU per event', unit: 'us' },
  valkeyCpuUsPerEvent: { name: 'Valkey CPU per event', unit: 'us' },
  serverPercent: { name: 'server', unit: '% of a core' },
  valkeyPercent: { name: 'Valkey', unit: '% of a core' },
  clientPercent: { name: 'busiest client', unit: '% of a core' },
  publisherPercent: { name: 'publisher', unit: '% of a core' },
  othersPercent: { name: 'other programs', unit: '% of a core' },
  sharedPercent: { name: 'cores beside the server', unit: '%' },
  stolenPercent: { name: 'taken by the host', unit: '% of a core' },
  memoryMiB: { name: 'server memory', unit: 'MiB' },
  memoryEndMiB: { name: 'at the end', unit: 'MiB' },
  memoryPerStreamKiB: { name: 'server memory per stream', unit: 'KiB' },
  kernelPerStreamKiB: { name: 'kernel memory per stream', unit: 'KiB' },
  valkeyConnections: { name: 'Valkey connections', unit: '' },
  valkeyUsedMiB: { name: 'Valkey used', unit: 'MiB' },
  valkeyResidentMiB: { name: 'Valkey resident', unit: 'MiB' },
  backP50Ms: { name: 'half back', unit: 'ms' },
  backAllMs: { name: 'all receive again', unit: 'ms' },
  reconnectP50Ms: { name: 'half open again', unit: 'ms' },
  reconnectMaxMs: { name: 'all open again', unit: 'ms' },
  refusedAttempts: { name: 'refused', unit: 'attempts' },
};

/** A number that is what it is, as `9,002` or `0.5`. */
export function written(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : measured(value);
}

/** `0.42`, `8.1`, `24.5`, `123`: no digit that noise would change. */
export function measured(value: number): string {
  const size = Math.abs(value);
  const digits = size === 0 || size >= 99.95 ? 0 : size < 0.995 ? 2 : 1;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function writtenAs(figure: Figure, value: number): string {
  const { unit } = MEASURES[figure];
  const countsThings = unit === '' || unit.startsWith('streams') || unit === 'events/s';
  return countsThings ? written(value >= 10 ? Math.round(value) : value) : measured(value);
}
