import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_PIECE, takeBatch, takePiece } from '../../src/sse/batch.ts';

const chunk = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc.nat({ max: 3 * MAX_PIECE }).map((length) => new Uint8Array(length + 1).fill(length % 251)),
);

test('batches take all frames in order, at least one at a time and none beyond the bound', () => {
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 40 }), (frames) => {
      const pending = [...frames];
      const batches = [];
      while (pending.length > 0) batches.push(takeBatch(pending));
      expect(batches.reduce((sum, { events }) => sum + events, 0)).toBe(frames.length);
      expect(Buffer.concat(batches.flatMap(({ pieces }) => pieces)).equals(Buffer.concat(frames))).toBe(true);
      for (const { pieces, bytes, events } of batches) {
        expect(events === 1 || bytes <= 64 * 1024).toBe(true);
        expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(bytes);
        for (const piece of pieces) {
          expect(piece.length).toBeGreaterThan(0);
          expect(piece.length).toBeLessThanOrEqual(MAX_PIECE);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('a lone small frame is passed on without a copy', () => {
  const frame = new Uint8Array([1, 2, 3]);
  expect(takeBatch([frame]).pieces[0]).toBe(frame);
});

test('a piece takes from the front of a queue what fits, and leaves the rest as it is', () => {
  const small = Array.from({ length: 20 }, (_, n) => new Uint8Array(1_000).fill(n));
  const queue = [...small];
  const piece = takePiece(queue);
  expect(piece.length).toBe(15_000);
  expect(queue).toEqual(small.slice(15));
  expect(queue[0]).toBe(small[15]);
});
