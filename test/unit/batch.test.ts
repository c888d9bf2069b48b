import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_PIECE, takeBatch, toPieces } from '../../src/sse/batch.ts';

const chunk = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc.nat({ max: 3 * MAX_PIECE }).map((length) => new Uint8Array(length + 1).fill(length % 251)),
);

test('pieces keep every byte in order and fit a corked write', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
      const pieces = toPieces(chunks);
      expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true);
      for (const piece of pieces) {
        expect(piece.length).toBeGreaterThan(0);
        expect(piece.length).toBeLessThanOrEqual(MAX_PIECE);
      }
    }),
    { numRuns: 200 },
  );
});

test('batches take all frames in order, at least one at a time and none beyond the bound', () => {
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 40 }), (frames) => {
      const pending = [...frames];
      const batches = [];
      while (pending.length > 0) batches.push(takeBatch(pending));
      expect(batches.reduce((sum, { events }) => sum + events, 0)).toBe(frames.length);
      expect(Buffer.concat(batches.flatMap(({ pieces }) => pieces)).equals(Buffer.concat(frames))).toBe(true);
      for (const { bytes, events } of batches) expect(events === 1 || bytes <= 64 * 1024).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('a lone small frame is passed on without a copy', () => {
  const frame = new Uint8Array([1, 2, 3]);
  expect(takeBatch([frame]).pieces[0]).toBe(frame);
});
