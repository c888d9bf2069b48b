import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { groupMemory } from '../system/memory.ts';
import { openFiles, readIfThere, sysctl } from '../system/proc.ts';
import { PreflightError } from './check.ts';

/** Of the whole machine. */
export interface Stock {
  readonly most: number;
  readonly used: number;
}

/** Of a process. */
export interface OpenFiles {
  /** The soft one does not count: Node raises it to this as it starts, and so do nginx and Valkey. */
  readonly hard: number;
  /** Whether we may raise the hard one. */
  readonly raisable: boolean;
  /** What it can be raised to. */
  readonly most: number;
}

/** What this machine allows, as values. Infinity where nothing limits, or the kernel does not show it. */
export interface Limits {
  readonly openFiles: OpenFiles;
  readonly systemFiles: Stock;
  /** Ephemeral ports of one source address. */
  readonly ports: number;
  readonly somaxconn: number;
  readonly synBacklog: number;
  /** Bytes available, and whether it is a control group that allows no more. */
  readonly memory: { readonly available: number; readonly byGroup: boolean };
  /** Pages of TCP buffers. */
  readonly tcpPages: Stock;
  /** Connections that the firewall can track. */
  readonly conntrack: Stock;
  /** Those this process may use: to be read before it gives one of them to the server under test. */
  readonly cores: number;
}

/** CAP_SYS_RESOURCE: who has it may raise hard limits. Root of a container usually has not. */
const SYS_RESOURCE = 24n;

const notLinux = {
  name: 'operating system',
  here: process.platform,
  need: 'Linux, whose /proc is read,',
  enough: false,
  fix: 'run it in a container or a virtual machine: docker run -v "$PWD":/ssemux -w /ssemux -it node:22-trixie bash',
  stops: true,
};

/** @throws PreflightError where there is no /proc as Linux has it */
export function readLimits(proc = '/proc', cgroups = '/sys/fs/cgroup'): Limits {
  if (process.platform !== 'linux') throw new PreflightError([notLinux]);
  const [from = 0, to = 0] = numbers(sysctl('net.ipv4.ip_local_port_range', proc) ?? '32768 60999');
  const [, , tcpMost = Infinity] = numbers(sysctl('net.ipv4.tcp_mem', proc) ?? '');
  const sockets = readIfThere(join(proc, 'net/sockstat')) ?? '';
  const [filesInUse = 0] = numbers(sysctl('fs.file-nr', proc) ?? '');
  return {
    openFiles: { hard: openFiles(proc).hard, raisable: mayRaise(proc), most: setting('fs.nr_open', proc) },
    systemFiles: { most: setting('fs.file-max', proc), used: filesInUse },
    ports: to - from + 1,
    somaxconn: setting('net.core.somaxconn', proc),
    synBacklog: setting('net.ipv4.tcp_max_syn_backlog', proc),
    memory: memory(proc, cgroups),
    tcpPages: { most: tcpMost, used: Number(/^TCP:.* mem (\d+)/m.exec(sockets)?.[1] ?? 0) },
    conntrack: conntrack(proc),
    cores: availableParallelism(),
  };
}

function memory(proc: string, cgroups: string): Limits['memory'] {
  const info = readFileSync(join(proc, 'meminfo'), 'latin1');
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(info)?.[1] ?? Infinity) * 1024;
  const group = groupMemory(proc, cgroups);
  return group !== null && group.left < available
    ? { available: group.left, byGroup: true }
    : { available, byGroup: false };
}

/** The module may be loaded without a firewall rule that uses it: then it tracks nothing, whatever there is. */
function conntrack(proc: string): Stock {
  const used = Number(sysctl('net.netfilter.nf_conntrack_count', proc) ?? 0);
  return { most: used === 0 ? Infinity : setting('net.netfilter.nf_conntrack_max', proc), used };
}

function mayRaise(proc: string): boolean {
  const status = readIfThere(join(proc, 'self/status')) ?? '';
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return ((effective >> SYS_RESOURCE) & 1n) === 1n;
}

function setting(name: string, proc: string): number {
  const value = Number(sysctl(name, proc) ?? Infinity);
  return value > Number.MAX_SAFE_INTEGER ? Infinity : value; // fs.file-max is 2^63 - 1 where systemd set it
}

function numbers(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).map(Number);
}
