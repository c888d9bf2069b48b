/**
 * An open loop: message k is due at `start + k / rate`, whether or not the server keeps up. A publisher that waited
 * for the server would send less to a slow one and so hide its latency.
 */
export function scheduledUs(startUs: number, ratePerSecond: number, k: number): number {
  return startUs + (k * 1e6) / ratePerSecond;
}

/** How many of `total` messages are due by `nowUs`; so also the number of the first that is due later. */
export function dueBy(nowUs: number, startUs: number, ratePerSecond: number, total: number): number {
  if (nowUs < startUs) return 0;
  return Math.min(total, Math.floor(((nowUs - startUs) * ratePerSecond) / 1e6) + 1);
}
