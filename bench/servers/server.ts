import type { PublishTarget, StreamRequest } from '../load/messages.ts';
import type { Mode } from './mode.ts';
import type { Valkey } from './valkey.ts';

/** A running SSE server under test, with what it needs. */
export interface Server {
  readonly name: string;
  /** ssemux' mode; null for other servers. */
  readonly mode: Mode | null;
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
