import { connect, type Socket } from 'node:net';
import type { Histogram } from 'hdr-histogram-js';
import { nowUs } from '../load/clock.ts';
import { record } from '../load/latency.ts';
import type { Window } from '../load/messages.ts';
import { MarkerScanner, type MarkerSink } from '../load/scanner.ts';
import { Sequence } from '../load/sequence.ts';

const OPEN_WITHIN_MS = 30_000;

// One buffer for every socket of the process: a read is over before the next begins, so nothing is allocated per read.
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** What all streams of a client process count together. */
export interface Tally {
  readonly latency: Histogram;
  window: Window;
  received: number;
  delivered: number;
  malformed: number;
  closed: number;
}

export interface Endpoint {
  readonly port: number;
  readonly localAddress: string;
}

/** One SSE client, as cheap as Node allows: a raw socket, and no string after the response head. */
export class Stream implements MarkerSink {
  readonly channel: number;
  readonly sequence = new Sequence();
  private readonly scanner: MarkerScanner;
  private readonly tally: Tally;
  private readAtUs = 0;
  private head: string | null = '';
  private opened: (() => void) | null = null;

  constructor(channel: number, messageBytes: number, tally: Tally) {
    this.channel = channel;
    this.scanner = new MarkerScanner(messageBytes);
    this.tally = tally;
  }

  /** Resolves once the response is a 200 and its first body bytes are here: from then on nothing may be missed. */
  open(endpoint: Endpoint, path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: readBuffer,
        callback: (length: number): boolean => {
          this.read(length);
          return true;
        },
      };
      const { port, localAddress } = endpoint;
      const socket = connect({ host: '127.0.0.1', port, localAddress, onread });
      const fail = (why: string) => {
        socket.destroy();
        reject(new Error(`${path}: ${why}`));
      };
      const timer = setTimeout(fail, OPEN_WITHIN_MS, `no response in ${OPEN_WITHIN_MS / 1000} s`);
      this.opened = () => {
        clearTimeout(timer);
        this.opened = null;
        if (this.head?.startsWith('HTTP/1.1 200')) resolve();
        else fail(`answered ${this.head?.split('\r\n', 1)[0]}`);
        this.head = null;
      };
      this.onEnd(socket, fail);
      socket.on('connect', () => {
        socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`);
      });
    });
  }

  marker(scheduledUs: number, sequence: number): void {
    const { tally } = this;
    const { fromUs, toUs } = tally.window;
    tally.received++;
    if (this.readAtUs >= fromUs && this.readAtUs < toUs) tally.delivered++;
    if (scheduledUs >= fromUs && scheduledUs < toUs) record(tally.latency, this.readAtUs - scheduledUs);
    this.sequence.see(sequence);
  }

  malformed(): void {
    this.tally.malformed++;
  }

  private read(length: number): void {
    this.readAtUs = nowUs();
    if (this.opened !== null) this.readHead(length);
    this.scanner.scan(readBuffer, length, this);
  }

  private readHead(length: number): void {
    this.head += readBuffer.toString('latin1', 0, length);
    const end = this.head!.indexOf('\r\n\r\n');
    if (end >= 0 && this.head!.length > end + 4) this.opened?.();
  }

  private onEnd(socket: Socket, fail: (why: string) => void): void {
    socket.on('error', (error) => {
      if (this.opened !== null) fail(error.message);
    });
    socket.on('close', () => {
      if (this.opened !== null) fail('closed before the first bytes of the body');
      this.tally.closed++;
    });
  }
}
