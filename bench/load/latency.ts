import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

const HIGHEST_US = 600_000_000;
const CLOCKS_AGREE_US = 100;

/** Latencies in microseconds, three significant digits, up to ten minutes. */
export function emptyHistogram(): Histogram {
  return build({ highestTrackableValue: HIGHEST_US, numberOfSignificantValueDigits: 3, autoResize: false });
}

export function record(histogram: Histogram, us: number): void {
  // Two processes may read the clock in the same moment and round differently, but not by more than this.
  if (us < -CLOCKS_AGREE_US) throw new Error(`clocks of two processes differ by ${-us} us`);
  histogram.recordValue(Math.min(HIGHEST_US, Math.max(0, Math.round(us))));
}

export const encodeHistogram: (histogram: Histogram) => string = encodeIntoCompressedBase64;

/** Histograms of several processes are added up; percentiles cannot be. */
export function mergeHistograms(encoded: readonly string[]): Histogram {
  const sum = emptyHistogram();
  for (const one of encoded) sum.add(decodeFromCompressedBase64(one));
  return sum;
}
