import { startGateway } from './gateway.ts';
import type { Mode } from './mode.ts';
import { peers } from './peers.ts';
import type { Server } from './server.ts';

/** A kind of server to measure; each run starts a new one and ends it. */
export interface Subject {
  readonly name: string;
  /** ssemux' mode; null for other servers. */
  readonly mode: Mode | null;
  /** Processes side by side. */
  readonly processes: number;
  /** `directory` is for its files, and removed afterwards. */
  start(directory: string): Promise<Server>;
}

export function ssemux(mode: Mode, processes = 1): Subject {
  return { name: 'ssemux', mode, processes, start: (directory) => startGateway(mode, directory, processes) };
}

/** The servers that a user would pick instead, as far as they are installed here; and why the others cannot be measured. */
export function peerSubjects(names: readonly string[]): { found: Subject[]; missing: string[] } {
  const wanted = peers.filter(({ name }) => names.includes(name));
  const reasons = wanted.map((peer) => ({ peer, reason: peer.missing() }));
  return {
    found: reasons.flatMap(({ peer: { name, start }, reason }) =>
      reason === null ? [{ name, mode: null, processes: 1, start }] : [],
    ),
    missing: reasons.flatMap(({ peer, reason }) => (reason === null ? [] : [`${peer.name}: ${reason}`])),
  };
}

export const PEER_NAMES = peers.map(({ name }) => name);
