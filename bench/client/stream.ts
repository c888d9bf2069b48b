import { connect, type Socket } from 'node:net';
import { ChunkedReader } from '../load/chunked.ts';
import { nowUs } from '../load/clock.ts';
import { EventParser, type EventSink } from '../load/events.ts';
import { Sequence } from '../load/sequence.ts';
import { parseHead, Refusal, type ResponseHead, refusalOf } from './response.ts';

const OPEN_WITHIN_MS = 30_000;

// One buffer for every socket of the process: a read is over before the next begins, so nothing is allocated per read.
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

export interface Endpoint {
  readonly port: number;
  /** Null: the system chooses. */
  readonly localAddress: string | null;
  readonly path: string;
}

/** The channels a stream listens to: `count` in a row from `first`, of `total`. */
export interface Channels {
  readonly first: number;
  readonly count: number;
  readonly total: number;
}

/** What becomes of a stream's events; all streams of a process share one. */
export interface StreamOwner {
  message(scheduledUs: number, atUs: number): void;
  misdirected(): void;
  malformed(): void;
  /** The server ended the stream. */
  ended(): void;
}

/** One SSE client, as cheap as Node allows: a raw socket, and no string or object after the response's head. */
export class Stream implements EventSink {
  /** Channels' sequences, in the order of `channels`. */
  readonly sequences: readonly Sequence[];
  /** When its first bytes were here: what is published later must arrive. */
  openedUs = Number.POSITIVE_INFINITY;
  /** When its first message came; Infinity before. */
  firstMessageUs = Number.POSITIVE_INFINITY;
  private readonly channels: Channels;
  private readonly owner: StreamOwner;
  private readonly parser: EventParser;
  private chunks: ChunkedReader | null = null;
  private readUs = 0;
  private head = '';
  private response: ResponseHead | null = null;
  private socket: Socket | null = null;
  private opened: ((refusal: Refusal | null) => void) | null = null;

  constructor(channels: Channels, messageBytes: number, owner: StreamOwner) {
    this.channels = channels;
    this.owner = owner;
    this.parser = new EventParser(messageBytes, this);
    this.sequences = Array.from({ length: channels.count }, () => new Sequence());
  }

  /**
   * Resolves once the response is a 200 and its first body bytes are here: from then on nothing may be missed.
   * @throws Refusal
   */
  open({ port, localAddress, path }: Endpoint): Promise<void> {
    return new Promise((resolve, reject) => {
      const callback = (length: number): boolean => {
        this.read(length);
        return true;
      };
      const onread = { buffer: readBuffer, callback };
      const from = localAddress === null ? {} : { localAddress };
      const socket = connect({ host: '127.0.0.1', port, ...from, onread });
      this.socket = socket;
      const timer = setTimeout(() => this.opened?.(new Refusal('no answer in 30 s', null)), OPEN_WITHIN_MS);
      this.opened = (refusal) => {
        clearTimeout(timer);
        this.opened = null;
        this.head = '';
        if (refusal === null) {
          resolve();
        } else {
          this.leave();
          reject(refusal);
        }
      };
      socket.on('error', (error: NodeJS.ErrnoException) => {
        this.opened?.(new Refusal(error.code ?? error.message, null));
      });
      socket.on('close', () => this.onClose());
      socket.on('connect', () => {
        socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`);
      });
    });
  }

  /** Stops reading, as a client that hangs does. */
  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  /** Leaves, as a client that closes its page does. */
  leave(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.destroy();
  }

  message(scheduledUs: number, number: number, channel: number): void {
    const { first, count, total } = this.channels;
    const slot = (channel - first + total) % total;
    if (slot >= count || channel >= total) {
      this.owner.misdirected();
      return;
    }
    if (this.firstMessageUs === Number.POSITIVE_INFINITY) this.firstMessageUs = this.readUs;
    this.sequences[slot]!.see(number);
    this.owner.message(scheduledUs, this.readUs);
  }

  other(): void {}

  malformed(): void {
    this.owner.malformed();
  }

  private read(length: number): void {
    if (this.socket === null) return; // it has left; what was on its way is nobody's
    this.readUs = nowUs();
    if (this.opened !== null) this.readHead(length);
    else this.readBody(0, length);
  }

  private readBody(from: number, length: number): void {
    if (this.chunks === null) {
      this.parser.feed(readBuffer, from, length);
      return;
    }
    const wasBroken = this.chunks.broken;
    this.chunks.read(readBuffer, from, length, this.parser);
    if (this.chunks.broken && !wasBroken) this.owner.malformed();
    if (this.chunks.over && this.opened === null) this.end();
  }

  /** Streams are decided by their first body bytes: a comment, a greeting, or a refusal in an answer that ends. */
  private readHead(length: number): void {
    const before = this.head.length;
    this.head += readBuffer.toString('latin1', 0, length);
    const end = this.head.indexOf('\r\n\r\n') + 4;
    if (end < 4) return;
    this.response ??= parseHead(this.head);
    const { status, chunked, finite } = this.response;
    if (chunked) this.chunks ??= new ChunkedReader();
    const from = Math.max(0, end - before);
    if (from < length) this.readBody(from, length);
    if (status !== 200 || finite || this.chunks?.over) {
      this.opened!(refusalOf(this.response, this.head.slice(end)));
    } else if (this.head.length > end) {
      this.openedUs = this.readUs;
      this.opened!(null);
    }
  }

  /** The server ended the stream: the body is complete, or the connection closed. */
  private end(): void {
    this.leave();
    this.owner.ended();
  }

  private onClose(): void {
    if (this.socket === null) return;
    if (this.opened === null) this.end();
    else this.opened(new Refusal('closed without an answer', null));
  }
}
