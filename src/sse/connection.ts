import { type Batch, takePiece } from './batch.ts';
import { HEARTBEAT, OPEN_COMMENT } from './frame.ts';
import type { CloseReason } from './reasons.ts';

/** Where a connection's bytes go: the HTTP response, or a fake in tests. */
export interface Stream {
  /** Sends status and headers of a stream, then `first`. */
  open(first: Uint8Array): void;
  /** Takes all bytes. False: the client is congested, write no more until {@link Connection.writable} is called. */
  write(bytes: Uint8Array): boolean;
  /** Ends the response properly after `last`. */
  end(last: Uint8Array): void;
  /** Cuts the socket. */
  cut(): void;
}

/** What all connections of a process share. */
export interface ConnectionHost {
  /** The current second of a monotonic clock. */
  readonly now: number;
  /** Bytes that may wait for one congested client. */
  readonly maxBuffer: number;
  /** Number of connections whose client is congested. */
  congested: number;
  /** Bytes that wait for congested clients. */
  bufferedBytes: number;
}

/** uWebSockets.js cuts a socket that took nothing for 10 s while data waited; its timer is 4 s coarse. */
const STALL_SECONDS = 8;

/**
 * One SSE client's stream. There are tens of thousands of these, so: numbers and references, no timer and no closure of
 * its own, and a queue only while the client is congested.
 *
 * Nothing here ends the stream because of what it finds: `write` returns the reason to close, and the registry closes.
 */
export class Connection {
  /** Second in which bytes were last written. */
  lastWrite = 0;
  /** Second at which the stream is to end, 0 for never. */
  expires = 0;
  /** Second of its next visit by the wheel. */
  due = 0;
  /** Who it is, for the log; from the authorizer. */
  user: string | undefined = undefined;
  /** Released when the stream ends. */
  subscription: { close(): void } | undefined = undefined;

  readonly #stream: Stream;
  readonly #host: ConnectionHost;
  /** Pieces waiting for a congested client, by reference: the bytes are shared with all other connections. */
  #queue: Uint8Array[] | undefined = undefined;
  #queuedBytes = 0;
  /** Second since which the client has taken nothing, -1 while it is not congested. */
  #congestedSince = -1;

  constructor(stream: Stream, host: ConnectionHost) {
    this.#stream = stream;
    this.#host = host;
  }

  get congested(): boolean {
    return this.#congestedSince >= 0;
  }

  /** Sends the response's head and the first comment. To be called once, before any write. */
  open(): void {
    this.lastWrite = this.#host.now;
    this.#stream.open(OPEN_COMMENT);
  }

  /** Writes a batch, or queues it while the client is congested. Returns the reason to close, if there is one. */
  write(batch: Batch): CloseReason | undefined {
    const { pieces } = batch;
    let written = 0;
    this.lastWrite = this.#host.now;
    if (this.congested) {
      // A batch larger than the bound still waits when nothing else does: one large message is no slow client.
      const tooMuch = this.#queuedBytes > 0 && this.#queuedBytes + batch.bytes > this.#host.maxBuffer;
      if (tooMuch) return 'slow_consumer';
    } else {
      while (!this.congested && written < pieces.length) this.#writePiece(pieces[written++]!);
      if (written === pieces.length) return undefined;
    }
    this.#queue ??= [];
    for (; written < pieces.length; written++) this.#enqueue(pieces[written]!);
    return undefined;
  }

  /** A comment, unless the client is congested: then bytes are on their way to it anyway. */
  heartbeat(): void {
    this.lastWrite = this.#host.now;
    if (!this.congested) this.#writePiece(HEARTBEAT);
  }

  /**
   * The socket takes bytes again: drains the queue until it is empty or the client is congested once more.
   * Always writes something, if only a comment: uWebSockets.js flushes its own remainder only before a write.
   */
  writable(): void {
    const queue = this.#queue;
    this.#uncongest();
    if (queue === undefined) {
      this.#writePiece(HEARTBEAT);
      return;
    }
    // Joined only as far as they are written: what stays queued stays shared with other connections.
    while (!this.congested && queue.length > 0) {
      const piece = takePiece(queue);
      this.#queuedBytes -= piece.length;
      this.#host.bufferedBytes -= piece.length;
      this.#writePiece(piece);
    }
    if (queue.length === 0) this.#queue = undefined;
  }

  /** Why the socket ended by itself: a client that took nothing for long was cut by the transport, others left. */
  whyAborted(): CloseReason {
    const stalled = this.congested && this.#host.now - this.#congestedSince >= STALL_SECONDS;
    return stalled ? 'slow_consumer' : 'client_gone';
  }

  /** Ends the response with `last`; a client that does not read is cut instead, as nothing would reach it in time. */
  end(last: Uint8Array): void {
    const { congested } = this;
    this.release();
    if (congested) this.#stream.cut();
    else this.#stream.end(last);
  }

  /** Lets go of everything the connection holds; its socket is gone or about to be. */
  release(): void {
    this.subscription?.close();
    this.subscription = undefined;
    this.#dropQueue();
    this.#uncongest();
  }

  #writePiece(piece: Uint8Array): void {
    if (this.#stream.write(piece)) return;
    this.#congestedSince = this.#host.now;
    this.#host.congested++;
  }

  #uncongest(): void {
    if (!this.congested) return;
    this.#congestedSince = -1;
    this.#host.congested--;
  }

  #enqueue(piece: Uint8Array): void {
    this.#queue!.push(piece);
    this.#queuedBytes += piece.length;
    this.#host.bufferedBytes += piece.length;
  }

  #dropQueue(): void {
    this.#host.bufferedBytes -= this.#queuedBytes;
    this.#queuedBytes = 0;
    this.#queue = undefined;
  }
}
