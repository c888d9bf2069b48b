import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PIECE, takeBatch } from '../../src/sse/batch.ts';
import { encodeComment, encodeFrame, encodeRetry, isFieldSafe, type SseEvent } from '../../src/sse/frame.ts';

/** Feeds bytes to an independent parser in the given chunks, as a browser would get them. */
function parse(chunks: readonly Uint8Array[]) {
  const events: EventSourceMessage[] = [];
  const comments: string[] = [];
  const retries: number[] = [];
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: (comment) => comments.push(comment),
    onRetry: (retry) => retries.push(retry),
  });
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }));
  return { events, comments, retries };
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const positions = [0, ...at.map((position) => position % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return positions.slice(1).map((end, index) => bytes.subarray(positions[index], end));
}

const lines = (text: string) => text.replace(/\r\n|\r/g, '\n');

const nasty = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  '',
  ' ',
  ':',
  '\uFEFF',
  '\0',
  '😀',
  '👩‍👩‍👧',
  'data: x',
  'id: 1\n\n',
  '\u2028',
);
const text = fc
  .array(fc.oneof(nasty, fc.string({ unit: 'binary' })), { maxLength: 12 })
  .map((parts) => parts.join('').toWellFormed());
const field = text.filter(isFieldSafe);

describe('frames', () => {
  test('look as in the standard', () => {
    const frame = encodeFrame({ event: 'status', data: '<b>Shipped</b>', id: '42', retry: 5000 });
    expect(frame.toString()).toBe('event: status\nid: 42\nretry: 5000\ndata: <b>Shipped</b>\n\n');
  });

  test('round-trip through an independent parser, whatever the data and wherever the network cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record(
            { event: field, data: text, id: field, retry: fc.nat() },
            { requiredKeys: ['event', 'data'] },
          ),
          { maxLength: 5 },
        ),
        fc.array(fc.nat(), { maxLength: 20 }),
        (events: SseEvent[], cuts) => {
          const stream = Buffer.concat([encodeComment('open'), ...events.map(encodeFrame)]);
          const got = parse(cut(stream, cuts)).events;
          expect(got.map(({ event, data }) => ({ event, data }))).toEqual(
            events.map(({ event, data }) => ({ event: event || undefined, data: lines(data) })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('carry id and retry', () => {
    const { events, retries } = parse([encodeFrame({ event: 'a', data: '', id: 'x y', retry: 7 })]);
    expect(events).toEqual([{ event: 'a', data: '', id: 'x y' }]);
    expect(retries).toEqual([7]);
  });

  test('of 1 MiB of data round-trip in pieces that fit a corked write', () => {
    const data = '😀é\n'.repeat(1024 ** 2 / 7);
    const { pieces, bytes } = takeBatch([encodeFrame({ event: 'big', data })]);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(MAX_PIECE);
    expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(bytes);
    expect(parse(pieces).events).toEqual([{ event: 'big', data, id: undefined }]);
  });

  test('lone surrogates become U+FFFD: every byte is valid UTF-8', () => {
    const frame = encodeFrame({ event: 'a', data: 'x\ud800y' });
    expect(new TextDecoder('utf-8', { fatal: true }).decode(frame)).toContain('x\uFFFDy');
  });

  test('field text with CR, LF or NUL is unsafe, anything else safe', () => {
    for (const bad of ['a\nb', 'a\rb', 'a\0', '\r\n']) expect(isFieldSafe(bad)).toBe(false);
    for (const good of ['', ' a', 'a:b', 'é😀', '\u2028']) expect(isFieldSafe(good)).toBe(true);
  });
});

describe('comments and retry', () => {
  test('a comment stays one line', () => {
    const { comments, events } = parse([encodeComment('a\ndata: forged\n\nb')]);
    expect(comments).toHaveLength(1);
    expect(events).toEqual([]);
  });

  test('retry tells whole milliseconds and why', () => {
    expect(parse([encodeRetry(1234.6, 'draining')])).toEqual({
      events: [],
      comments: ['draining'],
      retries: [1235],
    });
  });
});
