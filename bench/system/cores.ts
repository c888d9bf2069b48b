import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Cores kept for the server under test: the first ones. */
let kept = 0;

/**
 * Keeps a core for each process of the server under test, but at most half of all: this process, and with it every process
 * that it starts, moves to the others. Otherwise the scheduler moves the server about, and what it waits for a core or warms
 * up again is taken for its own cost. Returns what was done, for the record of the environment.
 */
export function reserveServerCores(processes: number): string {
  const last = availableParallelism() - 1;
  if (last < 1) return 'shared: there is one';
  const wanted = Math.min(processes, Math.floor((last + 1) / 2));
  if (!setAffinity(`${wanted}-${last}`, process.pid)) return 'shared: there is no taskset';
  kept = wanted;
  return `${range(0, kept - 1)} for the server under test, ${range(kept, last)} for everything else`;
}

/** Moves a started server's processes, all their threads, to the cores kept for it, in turn. Without such, does nothing. */
export function giveServerCores(pids: readonly number[]): void {
  if (kept === 0) return;
  for (const [i, pid] of pids.entries()) setAffinity(String(i % kept), pid);
}

function range(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function setAffinity(cores: string, pid: number): boolean {
  return spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)]).status === 0;
}
