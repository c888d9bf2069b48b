import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** The core of the server under test. */
const SERVER_CORE = 0;

/**
 * Keeps one core for the server under test: this process, and with it every process that it starts, moves to the others.
 * Otherwise the scheduler moves the server about, and what it waits for a core or warms up again is taken for its own cost.
 * Returns what was done, for the record of the environment.
 */
export function reserveServerCore(): string {
  const last = availableParallelism() - 1;
  if (last < 1) return 'shared: there is one';
  if (!setAffinity(`${SERVER_CORE + 1}-${last}`, process.pid)) return 'shared: there is no taskset';
  return `${SERVER_CORE} for the server under test, ${SERVER_CORE + 1}-${last} for everything else`;
}

/** Moves a started server, all its threads, to the core kept for it. Without such a core, does nothing. */
export function giveServerCore(pids: readonly number[]): void {
  for (const pid of pids) setAffinity(String(SERVER_CORE), pid);
}

function setAffinity(cores: string, pid: number): boolean {
  return spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)]).status === 0;
}
