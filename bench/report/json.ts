import { encodeHistogram } from '../load/latency.ts';

type Histogram = Parameters<typeof encodeHistogram>[0];

/** Everything that was measured. Histograms are kept whole, encoded, so that other percentiles can be read later. */
export function toJson(measured: object): string {
  const text = JSON.stringify(
    measured,
    function (this: Record<string, unknown>, key: string, value: unknown) {
      const original = this[key]; // `value` is what the histogram's own toJSON made of it
      return isHistogram(original) ? { ...original.toJSON(), encoded: encodeHistogram(original) } : value;
    },
    2,
  );
  return `${text}\n`;
}

function isHistogram(value: unknown): value is Histogram {
  return typeof value === 'object' && value !== null && 'recordValue' in value;
}
