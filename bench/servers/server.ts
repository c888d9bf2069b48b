import type { PublishTarget } from '../load/messages.ts';
import type { Valkey } from './valkey.ts';

/** A running SSE server under test, with what it needs. */
export interface Server {
  readonly name: string;
  readonly port: number;
  /** Request path of a stream; the channel's name is appended. */
  readonly path: string;
  readonly target: PublishTarget;
  /** Processes whose CPU time and memory are the server's. */
  readonly pids: readonly number[];
  /** The broker beside it, counted apart. */
  readonly valkey: Valkey | null;
  stop(): Promise<void>;
}
