import { setTimeout as sleep } from 'node:timers/promises';
import { beginTask } from '../terminal/progress.ts';
import { decimal } from '../terminal/table.ts';

const SAME_KIB = 256;
const STILL_SECONDS = 5;
const LONGEST_SECONDS = 30;

/** Memory once it no longer moves for five seconds, or after half a minute; heartbeats go on all the while. */
export async function settled(readKiB: () => number): Promise<number> {
  const task = beginTask('weighing', LONGEST_SECONDS, 's');
  let kib = readKiB();
  let still = 0;
  for (let second = 0; second < LONGEST_SECONDS && still < STILL_SECONDS; second++) {
    await sleep(1_000);
    const now = readKiB();
    still = Math.abs(now - kib) <= SAME_KIB ? still + 1 : 0;
    kib = now;
    task.update(second + 1);
  }
  task.end(`weighed: ${decimal(kib / 1024)} MiB`);
  return kib;
}
