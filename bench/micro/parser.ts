import { do_not_optimize } from 'mitata';
import { encodeFrame } from '../../src/sse/frame.ts';
import { ChunkedReader } from '../load/chunked.ts';
import { EventParser, type EventSink } from '../load/events.ts';
import { encodeMessage } from '../load/marker.ts';
import type { Benchmark } from './benchmark.ts';

// The load client is half of what is measured on a machine that runs both: what it spends on an event bounds what
// it can tell of a server.

const BYTES = 200;
const EVENTS = 50;

class CountingSink implements EventSink {
  messages = 0;
  others = 0;
  faults = 0;
  /** Of the numbers read, so that reading them is not idle work. */
  sequences = 0;

  message(_scheduledUs: number, sequence: number): void {
    this.messages++;
    this.sequences += sequence;
  }

  other(): void {
    this.others++;
  }

  malformed(): void {
    this.faults++;
  }
}

/** A stream's body, cut as the gateway sends it and the socket gives it: each write is a chunk, and comes as one read. */
export class Body {
  readonly sink = new CountingSink();
  readonly reads: readonly Buffer[];
  private readonly parser = new EventParser(BYTES, this.sink);
  private readonly chunks = new ChunkedReader();

  constructor(eventsPerRead: number) {
    const frames = Array.from({ length: EVENTS }, (_, i) =>
      encodeFrame({ event: 'update', data: encodeMessage(1e12 + i, i, 0, BYTES) }),
    );
    this.reads = Array.from({ length: EVENTS / eventsPerRead }, (_, i) =>
      chunk(frames.slice(i * eventsPerRead, (i + 1) * eventsPerRead)),
    );
  }

  read(): void {
    for (const bytes of this.reads) this.chunks.read(bytes, 0, bytes.length, this.parser);
  }
}

function chunk(frames: readonly Buffer[]): Buffer {
  const data = Buffer.concat(frames);
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
}

export const parsers: readonly Benchmark[] = [
  parsing('parse in the load client, 1 event per read', 1),
  parsing('parse in the load client, 50 events per read', EVENTS),
];

function parsing(name: string, eventsPerRead: number): Benchmark {
  return {
    name,
    events: EVENTS,
    prepare() {
      const body = new Body(eventsPerRead);
      return () => {
        body.read();
        do_not_optimize(body.sink.sequences);
      };
    },
  };
}
