import { readdirSync, readFileSync } from 'node:fs';
import { total } from '../load/sums.ts';

/** USER_HZ, which Linux fixes at 100 for every architecture Node runs on. */
const TICK_US = 10_000;
const PAGE_KIB = 4;

/** us of CPU time: a process' own, and that of its children that have ended. */
interface CpuTime {
  readonly own: number;
  readonly ended: number;
}

function readCpu(pid: number): CpuTime {
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

/** To the nanosecond, where `stat` has ticks of 10 ms: the sum over the threads. Null where the kernel keeps no such account. */
function readThreads(pid: number): number | null {
  const counts = readdirSync(`/proc/${pid}/task`).flatMap(
    (thread) => readIfThere(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ', 1) ?? [],
  );
  return counts.length === 0 ? null : total(counts, Number) / 1_000;
}

/**
 * CPU time of every process. (The counters of /proc/stat are sampled by the timer tick and can miss half of what
 * is done in short bursts; those of processes are exact.)
 */
export function cpuTimes(): Map<number, CpuTime> {
  const times = new Map<number, CpuTime>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const cpu = readCpu(pid);
      times.set(pid, { ...cpu, own: readThreads(pid) ?? cpu.own });
    } catch {
      // It ended meanwhile.
    }
  }
  return times;
}

/** us of CPU time that the machine's host gave to others while this machine wanted it. */
export function stolenUs(): number {
  const [, ...ticks] = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!.trim().split(/\s+/);
  return Number(ticks[7] ?? 0) * TICK_US;
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

/**
 * What open sockets take in the kernel: their buffers, and its slabs, which hold the sockets, files and epoll entries
 * themselves. Other things live in slabs too, so only the difference that many sockets make means something.
 */
export function kernelSocketsKiB(): number {
  const pages = Number(/^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'latin1'))?.[1] ?? 0);
  const slab = Number(/^Slab:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1] ?? 0);
  return pages * PAGE_KIB + slab;
}

export function childrenOf(pid: number): number[] {
  const pids: number[] = [];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').trim();
    if (children !== '') pids.push(...children.split(' ').map(Number));
  }
  return pids;
}

/** Of this process. Node has raised its soft limit to the hard one, and what it starts inherits that. */
export function openFiles(proc = '/proc'): { soft: number; hard: number } {
  const limits = readFileSync(`${proc}/self/limits`, 'latin1');
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  const limit = (text: string | undefined) => (/^\d+$/.test(text ?? '') ? Number(text) : Infinity);
  return { soft: limit(soft), hard: limit(hard) };
}

export function openFilesLimit(): number {
  return openFiles().soft;
}

/** A kernel setting by its name, such as `net.core.somaxconn`; null where there is none, as in some containers. */
export function sysctl(name: string, proc = '/proc'): string | null {
  return readIfThere(`${proc}/sys/${name.replaceAll('.', '/')}`);
}

export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return null;
  }
}
