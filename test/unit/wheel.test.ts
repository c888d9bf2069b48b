import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Wheel } from '../../src/sse/wheel.ts';

test('visits each item once, at its second or the next advance after it, and none that was deleted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ due: fc.nat({ max: 30 }), deleted: fc.boolean() }), { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 30, maxLength: 30 }),
      (plan, steps) => {
        const wheel = new Wheel<{ due: number; visits: number[] }>(60, 0);
        const items = plan.map(({ due }) => ({ due: 0, wish: Math.max(1, due), visits: [] as number[] }));
        for (const item of items) wheel.add(item, item.wish);
        for (const [index, item] of items.entries()) {
          if (plan[index]!.deleted) wheel.delete(item);
        }
        let now = 0;
        for (const step of steps) {
          const before = now;
          now += step;
          for (const item of wheel.advance(now)) {
            item.visits.push(now);
            expect(item.due).toBeGreaterThan(before);
            expect(item.due).toBeLessThanOrEqual(now);
          }
        }
        items.forEach((item, index) => {
          expect(item.visits).toHaveLength(plan[index]!.deleted ? 0 : 1);
        });
      },
    ),
  );
});

test('an item due beyond the span is visited at its end', () => {
  const wheel = new Wheel<{ due: number }>(10, 0);
  const item = { due: 0 };
  wheel.add(item, 1_000);
  expect(wheel.advance(9)).toEqual([]);
  expect(wheel.advance(10)).toEqual([item]);
});

test('after a long stall, everything is visited once', () => {
  const wheel = new Wheel<{ due: number }>(10, 0);
  const items = Array.from({ length: 10 }, () => ({ due: 0 }));
  items.forEach((item, index) => {
    wheel.add(item, index + 1);
  });
  expect(new Set(wheel.advance(1_000)).size).toBe(10);
  expect(wheel.advance(2_000)).toEqual([]);
});
