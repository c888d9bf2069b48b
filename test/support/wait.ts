import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds; a condition that throws does not hold yet. */
export async function waitFor(
  condition: () => unknown | Promise<unknown>,
  what: string,
  deadline = 20_000,
): Promise<void> {
  const end = performance.now() + deadline;
  let last: unknown;
  while (performance.now() < end) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(10);
  }
  throw new Error(`waited ${deadline / 1000} s in vain until ${what}`, { cause: last });
}
