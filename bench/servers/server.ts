import type { ChildProcess } from 'node:child_process';
import type { PublishTarget, StreamRequest } from '../load/messages.ts';
import { end } from '../system/children.ts';
import type { Valkey } from './valkey.ts';

/** A running SSE server under test, with what it needs. */
export interface Server {
  /** As errors call it. */
  readonly name: string;
  /** One for each of its processes that listens; streams are dealt out to them in turn. */
  readonly ports: readonly number[];
  readonly request: StreamRequest;
  readonly target: PublishTarget;
  /** Processes whose CPU time and memory are the server's. */
  readonly pids: readonly number[];
  /** The broker beside it, counted apart. */
  readonly valkey: Valkey | null;
  /** Streams it says it did not open, by its own reasons. */
  rejections(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

/** A server of one process that tells nothing of refusals, to be ended before its broker. */
export function peerServer(
  child: ChildProcess,
  { port, ...server }: Pick<Server, 'name' | 'request' | 'target' | 'valkey'> & { readonly port: number },
): Server {
  return {
    ...server,
    ports: [port],
    pids: [child.pid!],
    rejections: async () => ({}),
    async stop() {
      await end(child);
      await server.valkey?.stop();
    },
  };
}
