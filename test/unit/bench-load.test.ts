import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChunkedReader } from '../../bench/load/chunked.ts';
import { EventParser } from '../../bench/load/events.ts';
import { channelNamesOf, messagesOn, neverReads } from '../../bench/load/flow.ts';
import { encodeMessage } from '../../bench/load/marker.ts';
import { dueBy, scheduledUs } from '../../bench/load/pacer.ts';
import { Sequence } from '../../bench/load/sequence.ts';
import { scenario } from '../../bench/scenarios/scenario.ts';

const BYTES = 60;
const START = 1e12;

/** Cuts `bytes` into runs of the given lengths, again and again. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += parts.at(-1)!.length) {
    parts.push(bytes.subarray(at, at + lengths[parts.length % lengths.length]!));
  }
  return parts;
}

const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30, size: 'max' });

function chunked(body: Buffer, sizes: readonly number[], extension = ''): Buffer {
  const chunks = cut(body, sizes).flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

/** Reads a body as the client does, from a buffer in which bytes of an earlier read lie behind those of this one. */
function readBody(wire: Buffer, reads: readonly number[]) {
  const got = { messages: [] as number[][], others: 0, malformed: 0 };
  const parser = new EventParser(BYTES, {
    message: (...numbers) => got.messages.push(numbers),
    other: () => got.others++,
    malformed: () => got.malformed++,
  });
  const chunks = new ChunkedReader();
  const shared = Buffer.alloc(1024, '@');
  for (const read of cut(wire, reads)) {
    read.copy(shared);
    chunks.read(shared, 0, read.length, parser);
  }
  return { ...got, over: chunks.over, broken: chunks.broken };
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const message = fc.record({ sequence: fc.nat(99_999_999), channel: fc.nat(999_999) });
const eventText = fc.oneof(
  fc
    .tuple(message, fc.constantFrom('data: ', 'data:', 'event: update\ndata: ', 'data: {"pub":"'))
    .map(
      ([{ sequence, channel }, before]) => `${before}${encodeMessage(START, sequence, channel, BYTES)}\n\n`,
    ),
  // What is not a message of ours: heartbeats, greetings, lookalikes, events without data.
  fc.constantFrom(
    ':\n\n',
    ': a comment @0000\n\n',
    'event: resync\ndata: {"reason":"broker"}\n\n',
    'data\n\n',
    'data:\n\n',
    'id: 7\n\n',
    'retry: 1000\n\n',
    'datas: @1\n\n',
    'data: @12#\ndata: x@\n\n',
    `event: ${encodeMessage(START, 1, 1, BYTES)}\n\n`,
  ),
);

describe('what the load client makes of a stream', () => {
  test('is what an independent parser makes of it, however lines end and HTTP chunks and reads cut it', () => {
    fc.assert(
      fc.property(fc.array(eventText), lineEnd, lengths, lengths, (texts, end, chunks, reads) => {
        const body = texts.join('').replaceAll('\n', end);
        const messages: number[][] = [];
        let others = 0;
        const reference = createParser({
          onEvent({ data }) {
            const found = /@(\d{16})#(\d{8})#(\d{6})@/.exec(data);
            if (found === null) others++;
            else messages.push(found.slice(1).map(Number));
          },
        });
        reference.feed(body);
        const got = readBody(chunked(Buffer.from(body), chunks), reads);
        expect(got).toEqual({ messages, others, malformed: 0, over: true, broken: false });
      }),
      { numRuns: 500 },
    );
  });

  test('chunk extensions are passed over', () => {
    const body = Buffer.from(`data: ${encodeMessage(START, 3, 4, BYTES)}\n\n`);
    expect(readBody(chunked(body, [7], ';name=value'), [11]).messages).toEqual([[START, 3, 4]]);
  });

  test('an event that lost its end is malformed, one that was never ended does not count', () => {
    const one = `data: ${encodeMessage(START, 1, 0, BYTES)}\n`;
    expect(readBody(chunked(Buffer.from(`${one}${one}\n`), [50]), [40])).toMatchObject({
      messages: [[START, 1, 0]],
      malformed: 1,
    });
    expect(readBody(chunked(Buffer.from(one), [50]), [40]).messages).toEqual([]);
  });

  test.each(['x\r\n', '\r\n', '5\r\nabcdeX', '123456789\r\n'])('breach of chunking is seen: %j', (wire) => {
    expect(readBody(Buffer.from(wire), [3]).broken).toBe(true);
  });
});

describe('a sequence', () => {
  const seen = (...numbers: number[]) => {
    const sequence = new Sequence();
    for (const number of numbers) sequence.see(number);
    return sequence;
  };

  test('counts lost, doubled and reordered messages as exactly that', () => {
    const sequence = seen(0, 1, 3, 2, 3, 6);
    expect(sequence).toMatchObject({ reordered: 1, duplicated: 1, gaps: 2 });
    expect(sequence.lost(0, 8)).toBe(3); // 4, 5 and 7
  });

  test('may begin late: what came before it was there is not lost', () => {
    expect(seen(5, 6).lost(5, 7)).toBe(0);
    expect(seen(5, 6).lost(4, 7)).toBe(1);
    expect(seen().lost(4, 7)).toBe(3);
    expect(seen(1, 0, 2)).toMatchObject({ reordered: 1, duplicated: 0, gaps: 0 });
  });

  test('of a random history is counted like a list of it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.nat(10), (history, from) => {
        const sequence = seen(...history);
        const distinct = new Set(history);
        expect(sequence.duplicated).toBe(history.length - distinct.size);
        const missing = Array.from({ length: 21 }, (_, number) => number).filter(
          (number) => !distinct.has(number) && (number >= from || number > Math.min(...history)),
        );
        expect(sequence.lost(from, 21)).toBe(missing.length);
      }),
    );
  });
});

test('the schedule is open: what is due depends on time alone, and is due when scheduled', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat({ max: 5_000 }), (rate, k) => {
      const due = scheduledUs(START, rate, k);
      expect(dueBy(Math.ceil(due), START, rate, 10_000)).toBeGreaterThanOrEqual(k + 1);
      if (k > 0) expect(dueBy(Math.floor(due) - 1, START, rate, 10_000)).toBeLessThanOrEqual(k);
      expect(dueBy(Number.MAX_SAFE_INTEGER, START, rate, 10_000)).toBe(10_000);
      expect(dueBy(START - 1, START, rate, 10_000)).toBe(0);
    }),
  );
});

test('messages are dealt out to channels in turn, and streams that never read are spread evenly', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.nat(1_000),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (channels, total, neverRead) => {
        const { flows } = scenario.parse({
          name: 's',
          summary: 's',
          flows: [{ name: 'f', channels, streams: 1_000, rate: 1, neverRead }],
        });
        const flow = flows[0]!;
        const each = Array.from({ length: channels }, (_, channel) => messagesOn(flow, channel, total));
        expect(each.reduce((sum, count) => sum + count, 0)).toBe(total);
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
        const unread = Array.from({ length: 1_000 }, (_, stream) => neverReads(flow, stream)).filter(Boolean);
        expect(unread.length).toBe(Math.floor(1_000 * neverRead));
        expect(channelNamesOf(flow, channels + 1)).toEqual([`bench-f-${1 % channels}`]);
      },
    ),
  );
});
