import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { takeBatch } from '../../src/sse/batch.ts';
import { makeRegistry, openConnection } from '../support/fake-stream.ts';

const frame = (text: string) => Buffer.from(`data: ${text}\n\n`);

describe('a connection', () => {
  test('opens with a comment, then passes batches on', () => {
    const { connection, stream } = openConnection(makeRegistry());
    expect(connection.write(takeBatch([frame('1')]))).toBeUndefined();
    expect(stream.text).toBe(': open\n\ndata: 1\n\n');
  });

  test('queues while congested, counts what waits, and drains in order', () => {
    const registry = makeRegistry();
    const { connection, stream } = openConnection(registry);
    stream.room = 1;
    for (const text of ['1', '2', '3']) connection.write(takeBatch([frame(text)]));
    expect(stream.text).not.toContain('data: 2');
    expect(registry).toMatchObject({ congested: 1, bufferedBytes: 2 * frame('2').length });
    stream.room = Number.POSITIVE_INFINITY;
    connection.writable();
    expect(stream.text).toBe(': open\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n');
    expect(registry).toMatchObject({ congested: 0, bufferedBytes: 0 });
  });

  test('always writes when writable, as the transport flushes its remainder only before a write', () => {
    const { connection, stream } = openConnection(makeRegistry());
    const before = stream.chunks.length;
    connection.writable();
    expect(stream.chunks.length).toBe(before + 1);
  });

  test('past the bound says slow_consumer and takes no more', () => {
    const registry = makeRegistry({ maxBuffer: 100 });
    const { connection, stream } = openConnection(registry);
    stream.room = 1;
    connection.write(takeBatch([frame('first')]));
    expect(connection.write(takeBatch([Buffer.alloc(60)]))).toBeUndefined();
    expect(connection.write(takeBatch([Buffer.alloc(60)]))).toBe('slow_consumer');
    expect(registry.bufferedBytes).toBe(60);
  });

  test('lets one message larger than the bound wait when nothing else does', () => {
    const registry = makeRegistry({ maxBuffer: 100 });
    const { connection, stream } = openConnection(registry);
    stream.room = 1;
    const large = Buffer.alloc(100_000, 'x');
    expect(connection.write(takeBatch([large]))).toBeUndefined();
    expect(connection.congested).toBe(true);
    stream.room = Number.POSITIVE_INFINITY;
    connection.writable();
    expect(stream.text.length).toBe(': open\n\n'.length + large.length);
  });

  test('a congested client gets no heartbeat, and is cut instead of ended', () => {
    const registry = makeRegistry();
    const { connection, stream } = openConnection(registry);
    stream.room = 1;
    connection.write(takeBatch([frame('1')]));
    const before = stream.text;
    connection.heartbeat();
    expect(stream.text).toBe(before);
    registry.close(connection, 'shutdown');
    expect(stream.cutOff).toBe(true);
    expect(registry).toMatchObject({ congested: 0, bufferedBytes: 0, size: 0 });
  });

  test('a socket that ends after a long stall was a slow consumer, any other a client that left', () => {
    const registry = makeRegistry();
    const { connection, stream } = openConnection(registry);
    stream.room = 1;
    connection.write(takeBatch([frame('1')]));
    expect(connection.whyAborted()).toBe('client_gone');
    registry.tick(registry.now + 9);
    expect(connection.whyAborted()).toBe('slow_consumer');
  });

  test('loses, doubles and reorders nothing, however the client stalls', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat({ max: 40_000 }), fc.constant('writable' as const)), {
          maxLength: 60,
          size: 'max',
        }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 20, size: 'max' }),
        (steps, rooms) => {
          const registry = makeRegistry({ maxBuffer: Number.MAX_SAFE_INTEGER });
          const { connection, stream } = openConnection(registry);
          const expected: Buffer[] = [];
          let stall = 0;
          for (const step of [...steps, 'writable' as const]) {
            stream.room = rooms[stall++ % rooms.length]!;
            if (step === 'writable') {
              if (connection.congested) connection.writable();
            } else {
              const bytes = Buffer.alloc(step + 1, expected.length % 250);
              expected.push(bytes);
              expect(connection.write(takeBatch([bytes]))).toBeUndefined();
            }
          }
          stream.room = Number.POSITIVE_INFINITY;
          if (connection.congested) connection.writable();
          const got = Buffer.concat(stream.chunks.slice(1).filter((chunk) => chunk.toString() !== ':\n\n'));
          expect(got.equals(Buffer.concat(expected))).toBe(true);
          expect(registry).toMatchObject({ congested: 0, bufferedBytes: 0 });
        },
      ),
      { numRuns: 200 },
    );
  });
});
