import { do_not_optimize } from 'mitata';
import { createLog } from '../../src/log.ts';
import { Connection, type Stream } from '../../src/sse/connection.ts';
import { encodeFrame } from '../../src/sse/frame.ts';
import { Registry } from '../../src/sse/registry.ts';
import { Audience } from '../../src/subscriptions/audience.ts';
import { FanOut } from '../../src/subscriptions/fan-out.ts';
import type { Benchmark } from './benchmark.ts';

export interface Shape {
  readonly channels: number;
  /** Listening to each channel, and to no other. */
  readonly streams: number;
  /** On each channel, all in one turn of the event loop. */
  readonly messages: number;
}

/** A stream that counts what it is given and keeps none of it. */
class CountingStream implements Stream {
  private readonly crowd: Crowd;

  constructor(crowd: Crowd) {
    this.crowd = crowd;
  }

  open(): void {}

  write(bytes: Uint8Array): boolean {
    this.crowd.took(bytes.length);
    return true;
  }

  end(): void {}

  cut(): void {}
}

/** Streams on channels, and messages for them: everything between the frame and the socket. */
export class Crowd {
  /** Calls of `write`, each of which would be a system call. */
  writes = 0;
  readonly registry = new Registry(
    { maxConnections: Infinity, maxBuffer: 2 ** 20, heartbeat: 15, maxLifetime: 0, now: 0 },
    createLog('silent', 'json'),
  );
  private readonly fanOut = new FanOut(this.registry);
  private readonly audiences: readonly Audience[];
  private readonly frames: readonly Uint8Array[];
  private readonly bytes: number;
  private bytesLeft = 0;
  private done = () => {};

  constructor(shape: Shape) {
    this.audiences = Array.from({ length: shape.channels }, () => this.audience(shape.streams));
    this.frames = Array.from({ length: shape.messages }, (_, i) =>
      encodeFrame({ event: 'update', data: String(i).padEnd(200, 'x') }),
    );
    const perStream = this.frames.reduce((sum, frame) => sum + frame.length, 0);
    this.bytes = perStream * shape.channels * shape.streams;
  }

  /** Resolves when the last stream has the last byte. */
  publish(): Promise<void> {
    this.bytesLeft = this.bytes;
    return new Promise((resolve) => {
      this.done = resolve;
      for (const audience of this.audiences) {
        for (const frame of this.frames) this.fanOut.push(audience, frame);
      }
    });
  }

  took(bytes: number): void {
    this.writes++;
    this.bytesLeft -= bytes;
    if (this.bytesLeft === 0) this.done();
  }

  private audience(streams: number): Audience {
    const audience = new Audience();
    for (let i = 0; i < streams; i++) {
      const connection = new Connection(new CountingStream(this), this.registry);
      this.registry.open(connection);
      audience.members.add(connection);
    }
    return audience;
  }
}

export const fanOuts: readonly Benchmark[] = [
  fanningOut('1 channel, 1,000 streams, 1 message', { channels: 1, streams: 1_000, messages: 1 }),
  fanningOut('1 channel, 1,000 streams, 50 messages', { channels: 1, streams: 1_000, messages: 50 }),
  fanningOut('1 channel, 10,000 streams, 1 message', { channels: 1, streams: 10_000, messages: 1 }),
  fanningOut('1 channel, 10,000 streams, 50 messages', { channels: 1, streams: 10_000, messages: 50 }),
  fanningOut('1,000 channels, 10 streams each, 1 message', { channels: 1_000, streams: 10, messages: 1 }),
];

function fanningOut(name: string, shape: Shape): Benchmark {
  return {
    name: `fan out, ${name}`,
    events: eventsOf(shape),
    prepare() {
      const crowd = new Crowd(shape);
      return async () => {
        await crowd.publish();
        do_not_optimize(crowd.registry.delivered);
      };
    },
  };
}

/** Handed to streams by one `publish`. */
export function eventsOf({ channels, streams, messages }: Shape): number {
  return channels * streams * messages;
}
