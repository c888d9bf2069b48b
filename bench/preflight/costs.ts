import type { Mode } from '../servers/mode.ts';

/** What is to be held, and by how many processes. */
export interface Demand {
  readonly streams: number;
  /** Of the gateway; null for another server. */
  readonly mode: Mode | null;
  readonly serverProcesses: number;
  readonly clientProcesses: number;
}

/** What a gateway process keeps free for what is no stream; with no more left it turns streams away. */
const SERVER_SPARE_FILES = { share: 0.05, least: 64 };
/** Of a client process: Node's own, and its way to the process that started it. */
const CLIENT_SPARE_FILES = 64;

// KiB per stream without messages, measured on Linux 6.18 with 9,000 and 18,000 streams and rounded up. The kernel's is
// what its slabs grow by: a socket, a file, an inode.
const KERNEL_KIB_PER_SOCKET = 5;
const CLIENT_KIB = 6;
/** In per-connection mode 11 in the gateway and 4 in Valkey. Other servers take 9 to 16. */
const SERVER_KIB = { dedup: 2, 'per-connection': 15, other: 16 };
const PROCESS_KIB = 100 * 1024;
/** Valkey, the publisher, and the process that runs it all. */
const OTHER_PROCESSES = 3;

/** None for an idle socket on Linux 6.18; older kernels may keep one for each that was used. */
const TCP_PAGES_PER_SOCKET = 0.5;

/** A stream is one connection, and in per-connection mode there is one more, to Valkey. */
export function connectionsPerStream(mode: Mode | null): number {
  return mode === 'per-connection' ? 2 : 1;
}

/** Streams that fit the open files of one server process, by the gateway's own rule. */
export function streamsHeld(openFiles: number, mode: Mode | null): number {
  if (openFiles === Infinity) return Infinity;
  const spare = Math.max(SERVER_SPARE_FILES.least, Math.ceil(openFiles * SERVER_SPARE_FILES.share));
  return Math.max(0, Math.floor((openFiles - spare) / connectionsPerStream(mode)));
}

/** The fewest open files with which one server process holds the streams. */
export function filesNeeded(streams: number, mode: Mode | null): number {
  const used = streams * connectionsPerStream(mode);
  let files = used + SERVER_SPARE_FILES.least;
  while (streamsHeld(files, mode) < streams)
    files = Math.max(files + 1, Math.ceil(used / (1 - SERVER_SPARE_FILES.share)));
  return files;
}

/** The fewest server processes whose open files hold the streams. */
export function serverProcessesFor(streams: number, mode: Mode | null, openFiles: number): number {
  return Math.ceil(streams / Math.max(1, streamsHeld(openFiles, mode))) || 1;
}

export function clientFilesNeeded(streams: number): number {
  return streams + CLIENT_SPARE_FILES;
}

/** The fewest client processes that hold the streams. */
export function clientProcessesFor(streams: number, openFiles: number): number {
  return Math.ceil(streams / Math.max(1, openFiles - CLIENT_SPARE_FILES)) || 1;
}

export function sockets({ streams, mode }: Demand): number {
  return streams * connectionsPerStream(mode) * 2;
}

export function systemFilesNeeded(demand: Demand): number {
  return sockets(demand) + processes(demand) * CLIENT_SPARE_FILES;
}

export function tcpPagesNeeded(demand: Demand): number {
  return Math.ceil(sockets(demand) * TCP_PAGES_PER_SOCKET);
}

export function memoryNeeded(demand: Demand): number {
  const perStream = CLIENT_KIB + SERVER_KIB[demand.mode ?? 'other'];
  const kib =
    demand.streams * perStream + sockets(demand) * KERNEL_KIB_PER_SOCKET + processes(demand) * PROCESS_KIB;
  return kib * 1024;
}

function processes({ serverProcesses, clientProcesses }: Demand): number {
  return serverProcesses + clientProcesses + OTHER_PROCESSES;
}
