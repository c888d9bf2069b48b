import { setTimeout as sleep } from 'node:timers/promises';

// CLOCK_MONOTONIC counts from the same instant in every process of a machine, so a time stamped by the publisher
// can be subtracted in a client. `performance.now()` reads that clock without allocating, but from an origin of
// its own in each process, which is found here.
const TRIES = 200;

/** The best of many tries: whenever the process loses its core between two readings, a try is off by that long. */
function findOrigin(): number {
  let origin = 0;
  let narrowest = Infinity;
  for (let i = 0; i < TRIES; i++) {
    const before = performance.now();
    const monotonic = process.hrtime.bigint();
    const after = performance.now();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    origin = Number(monotonic) / 1000 - ((before + after) / 2) * 1000;
  }
  return origin;
}

const originUs = findOrigin();

/** Microseconds on the machine's monotonic clock. */
export function nowUs(): number {
  return originUs + performance.now() * 1000;
}

/** Until a point in time, to the millisecond of a timer; not at all if it has passed. */
export async function sleepUntil(us: number): Promise<void> {
  const ms = (us - nowUs()) / 1_000;
  if (ms > 0) await sleep(ms);
}
