import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux fixes at 100 for every architecture Node runs on. */
const TICK_US = 10_000;

/** CPU time of a process since it began: its own, and that of its children that have ended. */
function readCpu(pid: number): { own: number; ended: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The command's name, in parentheses, may hold spaces. From the state after it, counted from 0, the fields 11 to
  // 14 are utime, stime, cutime and cstime.
  const [utime, stime, cutime, cstime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return { own: (utime! + stime!) * TICK_US, ended: (cutime! + cstime!) * TICK_US };
}

/**
 * CPU time of every process. (The counters of /proc/stat are sampled by the timer tick and can miss half of what
 * is done in short bursts; those of processes are exact.)
 */
export function cpuTimes(): Map<number, { own: number; ended: number }> {
  const times = new Map<number, { own: number; ended: number }>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      times.set(pid, readCpu(pid));
    } catch {
      // It ended meanwhile.
    }
  }
  return times;
}

/** us that processes other than `ours` used between two readings; of those that began before and ended, too much. */
export function othersUs(
  before: ReturnType<typeof cpuTimes>,
  after: ReturnType<typeof cpuTimes>,
  ours: readonly number[],
): number {
  let total = 0;
  for (const [pid, { own, ended }] of after) {
    if (ours.includes(pid)) continue;
    const earlier = before.get(pid) ?? { own: 0, ended: 0 };
    total += own - earlier.own + ended - earlier.ended;
  }
  return total;
}

export function rssKiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
}

export function childrenOf(pid: number): number[] {
  const pids: number[] = [];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').trim();
    if (children !== '') pids.push(...children.split(' ').map(Number));
  }
  return pids;
}

export function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0);
}

export function openFilesLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}
