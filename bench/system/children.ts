import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';

const GRACE_MS = 5_000;
const running = new Set<ChildProcess>();
let allIsEnding = false;
const ending = new WeakSet<ChildProcess>();

/** Whether `endAll` was called: what fails now failed for that. */
export function isEnding(): boolean {
  return allIsEnding;
}

/** Remembers a child so that it is ended, by its own pid, however this process ends. */
export function adopt(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Starts a server program; the last it wrote is printed when it ends before it is told to. */
export function start(
  program: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): ChildProcess {
  const child = adopt(spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }));
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-4_000);
    });
  }
  child.once('error', (error) => {
    running.delete(child);
    console.error(`${program}: ${error.message}`);
  });
  child.once('close', (code, signal) => {
    if (!ending.has(child)) console.error(`${program} ended by itself (${code ?? signal})\n${tail}`);
  });
  return child;
}

/**
 * Lets a process run when it has something to do. For those that work little but stand in each message's way, where
 * there are fewer cores than busy processes: waiting for a core there would be taken for the server's latency.
 */
export function favour(pid: number): void {
  try {
    setPriority(pid, -10);
  } catch {
    // Only root may. The publisher's lateness shows what it cost.
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

export async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exit = once(child, 'exit');
  ending.add(child);
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await exit;
  clearTimeout(timer);
}

/** Clients first, servers last: the order in which they were started, reversed. */
export async function endAll(): Promise<void> {
  allIsEnding = true;
  for (const child of running) ending.add(child);
  for (const child of [...running].reverse()) await end(child);
}

process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});
