import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Cores for the server under test, and for everything else; empty as long as all share all. */
let kept: readonly number[] = [];
let shared: readonly number[] = [];

/**
 * Keeps a core for each process of the server under test, but at most half of all: this process, and with it every process
 * that it starts, moves to the others. Otherwise the scheduler moves the server about, and what it waits for a core or warms
 * up again is taken for its own cost. Returns what was done, for the record of the environment.
 */
export function reserveServerCores(processes: number): string {
  const allowed = kept.length > 0 ? [...kept, ...shared] : allowedCores();
  if (allowed.length < 2) return 'shared: there is one';
  const wanted = Math.min(processes, Math.floor(allowed.length / 2));
  const rest = allowed.slice(wanted);
  const refusal = setAffinity(rest, process.pid);
  if (refusal !== null) return `shared: ${refusal}`;
  kept = allowed.slice(0, wanted);
  shared = rest;
  return `${kept.join(', ')} for the server under test, ${shared.join(', ')} for everything else`;
}

/** Moves a started server's processes, all their threads, to the cores kept for it, in turn. Without such, does nothing. */
export function giveServerCores(pids: readonly number[]): void {
  if (kept.length === 0) return;
  for (const [i, pid] of pids.entries()) {
    const refusal = setAffinity([kept[i % kept.length]!], pid);
    if (refusal !== null) throw new Error(`process ${pid} could not be moved to its core: ${refusal}`);
  }
}

/** How many cores everything but the server has; null if the server has none of its own. */
export function sharedCores(): number | null {
  return kept.length === 0 ? null : shared.length;
}

/** Cores that this process may use: `0-3,8` in the kernel's words. */
function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

/** Null when done, else why not. */
function setAffinity(cores: readonly number[], pid: number): string | null {
  const args = ['--all-tasks', '--cpu-list', '--pid', cores.join(','), String(pid)];
  const { status, error, stderr } = spawnSync('taskset', args, { encoding: 'utf8' });
  if (error !== undefined) return 'there is no taskset';
  return status === 0 ? null : stderr.trim();
}
