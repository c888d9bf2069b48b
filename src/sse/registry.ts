import type { Log } from '../log.ts';
import type { Connection, ConnectionHost } from './connection.ts';
import { encodeRetry } from './frame.ts';
import { CLOSE_REASONS, type CloseReason, REJECT_REASONS, type RejectReason } from './reasons.ts';
import { Wheel } from './wheel.ts';

export interface RegistryOptions {
  /** Streams admitted at most. */
  maxConnections: number;
  /** Bytes that may wait for one congested client. */
  maxBuffer: number;
  /** Seconds of silence after which a stream gets a comment. */
  heartbeat: number;
  /** Seconds after which a stream ends (a random 80 to 100 % of it, so that they do not end together); 0: never. */
  maxLifetime: number;
  /** The current second of a monotonic clock. */
  now: number;
}

/** Browsers of ended streams come back after this many milliseconds, each after its own, so not all at once. */
const RETRY_MIN = 1_000;
const RETRY_SPREAD = 4_000;

/** A random reconnection time in milliseconds. */
export function jitteredRetry(): number {
  return RETRY_MIN + Math.random() * RETRY_SPREAD;
}

/** All streams of the process: admits, visits and ends them, and counts why they ended. */
export class Registry implements ConnectionHost {
  now: number;
  readonly maxBuffer: number;
  congested = 0;
  bufferedBytes = 0;

  /** Streams opened since the start. */
  opened = 0;
  /** Streams ended since the start, by reason. */
  readonly closed = zeros(CLOSE_REASONS);
  /** Streams not opened since the start, by reason. */
  readonly rejected = zeros(REJECT_REASONS);
  /** Events handed to connections since the start. */
  delivered = 0;

  readonly #options: RegistryOptions;
  readonly #connections = new Set<Connection>();
  readonly #wheel: Wheel<Connection>;
  readonly #log: Log;
  #admitted = 0;
  /** Whether the streams are being ended for good. */
  draining = false;

  constructor(options: RegistryOptions, log: Log) {
    this.#options = options;
    this.#log = log;
    this.now = options.now;
    this.maxBuffer = options.maxBuffer;
    this.#wheel = new Wheel(options.heartbeat, options.now);
  }

  /** Open streams. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes a place for a stream about to open, and `open` or `dismiss` follows; or says why there is none. */
  admit(): RejectReason | undefined {
    if (this.draining) return 'draining';
    if (this.#admitted >= this.#options.maxConnections) return 'over_capacity';
    this.#admitted++;
    return undefined;
  }

  /** Gives back the place of an admitted stream that did not open. */
  dismiss(): void {
    this.#admitted--;
  }

  /** Opens an admitted connection's stream. */
  open(connection: Connection): void {
    const { heartbeat, maxLifetime } = this.#options;
    if (maxLifetime > 0) connection.expires = this.now + Math.ceil(maxLifetime * (0.8 + 0.2 * Math.random()));
    this.#connections.add(connection);
    this.#schedule(connection, this.now + Math.ceil(Math.random() * heartbeat));
    this.opened++;
    connection.open();
  }

  /** Ends a stream for a reason of the gateway's; the browser is told when to come back. Ending twice is harmless. */
  close(connection: Connection, reason: CloseReason): void {
    if (this.#forget(connection, reason)) connection.end(encodeRetry(jitteredRetry(), reason));
  }

  /** A stream's socket ended by itself. */
  aborted(connection: Connection): void {
    if (this.#forget(connection, connection.whyAborted())) connection.release();
  }

  /** Ends a stream in which something unexpected happened. */
  fail(connection: Connection, error: unknown): void {
    this.#log.error({ err: error }, 'unexpected error in a stream, which is ended');
    try {
      this.close(connection, 'internal_error');
    } catch {
      // Its end fails like the rest of it; it is forgotten, which is all that is left to do.
    }
  }

  /** Admits no more streams and ends those there are. */
  drain(): void {
    this.draining = true;
    for (const connection of this.#connections) this.close(connection, 'shutdown');
  }

  /** Visits the connections that are due. To be called once a second with the current second. */
  tick(now: number): void {
    this.now = now;
    for (const connection of this.#wheel.advance(now)) {
      try {
        if (connection.expires > 0 && connection.expires <= now) this.close(connection, 'max_lifetime');
        else this.#visit(connection);
      } catch (error) {
        this.fail(connection, error);
      }
    }
  }

  #visit(connection: Connection): void {
    if (this.#silenceEnds(connection) <= this.now) connection.heartbeat();
    this.#schedule(connection, this.#silenceEnds(connection));
  }

  /** Has the connection visited at second `due`, or when it expires. */
  #schedule(connection: Connection, due: number): void {
    this.#wheel.add(connection, connection.expires > 0 ? Math.min(due, connection.expires) : due);
  }

  /**
   * The second by which a silent connection needs its heartbeat: up to 20 % early, at random, because connections that
   * all got the same message at once would else get all their heartbeats at once, too.
   */
  #silenceEnds(connection: Connection): number {
    const early = Math.floor(this.#options.heartbeat * 0.2 * Math.random());
    return connection.lastWrite + this.#options.heartbeat - early;
  }

  #forget(connection: Connection, reason: CloseReason): boolean {
    if (!this.#connections.delete(connection)) return false;
    this.#wheel.delete(connection);
    this.#admitted--;
    this.closed[reason]++;
    this.#log.debug({ reason, user: connection.user }, 'stream closed');
    return true;
  }
}

function zeros<Reason extends string>(catalogue: Record<Reason, string>): Record<Reason, number> {
  return Object.fromEntries(Object.keys(catalogue).map((reason) => [reason, 0])) as Record<Reason, number>;
}
