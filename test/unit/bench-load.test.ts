import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeMessage } from '../../bench/load/marker.ts';
import { dueBy, scheduledUs } from '../../bench/load/pacer.ts';
import { MarkerScanner } from '../../bench/load/scanner.ts';
import { Sequence } from '../../bench/load/sequence.ts';

const MESSAGE_BYTES = 200;
const START = 1e12;

/** Cuts `bytes` into runs of the given lengths, again and again. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += parts.at(-1)!.length) {
    parts.push(bytes.subarray(at, at + lengths[parts.length % lengths.length]!));
  }
  return parts;
}

const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 30, size: 'max' });

test('the load client finds every message, however HTTP chunks and reads cut the stream', () => {
  const count = 30;
  const body = Buffer.from(
    Array.from(
      { length: count },
      (_, n) => `event: update\ndata: ${encodeMessage(START + n, n, MESSAGE_BYTES)}\n\n`,
    ).join(''),
  );
  fc.assert(
    fc.property(lengths, lengths, (chunks, reads) => {
      const wire = Buffer.concat(
        cut(body, chunks).flatMap((chunk) => [
          Buffer.from(`${chunk.length.toString(16)}\r\n`),
          chunk,
          Buffer.from('\r\n'),
        ]),
      );
      const scanner = new MarkerScanner(MESSAGE_BYTES);
      const got: number[] = [];
      let malformed = 0;
      const shared = Buffer.alloc(1024, '@'); // as in the client, bytes of an earlier read lie behind those of this one
      for (const read of cut(wire, reads)) {
        read.copy(shared);
        scanner.scan(shared, read.length, {
          marker(scheduled, sequence) {
            expect(scheduled).toBe(START + sequence);
            got.push(sequence);
          },
          malformed: () => malformed++,
        });
      }
      expect(malformed).toBe(0);
      expect(got).toEqual(Array.from({ length: count }, (_, n) => n));
    }),
  );
});

test('lost, doubled and reordered messages are counted as exactly that', () => {
  const sequence = new Sequence();
  for (const number of [0, 1, 3, 2, 3, 6]) sequence.see(number);
  expect({ lost: sequence.lost(8), reordered: sequence.reordered, duplicated: sequence.duplicated }).toEqual({
    lost: 3, // 4, 5 and 7
    reordered: 1,
    duplicated: 1,
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
