import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Connection } from '../../src/sse/connection.ts';
import type { Registry } from '../../src/sse/registry.ts';
import { Audience } from '../../src/subscriptions/audience.ts';
import { FanOut } from '../../src/subscriptions/fan-out.ts';
import { type FakeStream, makeRegistry, openConnection } from '../support/fake-stream.ts';

/** What the clock shows, in milliseconds. */
let now = 0;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setImmediate', 'queueMicrotask'] });
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  now = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const frame = (text: string) => Buffer.from(`data: ${text}\n\n`);

interface Member {
  connection: Connection;
  stream: FakeStream;
}

function join(registry: Registry, audience: Audience): Member {
  const member = openConnection(registry);
  member.connection.subscription = { close: () => audience.members.delete(member.connection) };
  audience.members.add(member.connection);
  return member;
}

const received = ({ stream }: Member) =>
  [...stream.text.matchAll(/^data: (\d+)$/gm)].map(([, text]) => Number(text));

describe('the fan-out', () => {
  test('writes what came in one turn as one write per connection', () => {
    const registry = makeRegistry();
    const fanOut = new FanOut(registry);
    const audience = new Audience();
    const member = join(registry, audience);
    for (const text of ['1', '2', '3']) fanOut.push(audience, frame(text));
    expect(member.stream.chunks).toHaveLength(1);
    vi.runAllTimers();
    expect(member.stream.chunks).toHaveLength(2);
    expect(received(member)).toEqual([1, 2, 3]);
    expect(registry.delivered).toBe(3);
  });

  test('lets a small channel write between the slices of a big one', () => {
    const registry = makeRegistry();
    const fanOut = new FanOut(registry);
    const big = new Audience();
    const members = Array.from({ length: 10_000 }, () => join(registry, big));
    const small = new Audience();
    const one = join(registry, small);
    fanOut.push(big, frame('1'));
    fanOut.push(small, frame('2'));
    vi.advanceTimersToNextTimer();
    vi.advanceTimersToNextTimer();
    expect(received(one)).toEqual([2]);
    const written = members.filter((member) => received(member).length > 0).length;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(1_000);
    vi.runAllTimers();
    expect(members.every((member) => received(member).length === 1)).toBe(true);
  });

  test('closes whoever returned a reason, and goes on with the others', () => {
    const registry = makeRegistry({ maxBuffer: 10 });
    const fanOut = new FanOut(registry);
    const audience = new Audience();
    const slow = join(registry, audience);
    const quick = join(registry, audience);
    slow.stream.room = 1;
    for (let n = 0; n < 5; n++) {
      fanOut.push(audience, frame(String(n)));
      vi.runAllTimers();
    }
    expect(slow.stream.cutOff).toBe(true);
    expect(registry.closed.slow_consumer).toBe(1);
    expect(received(quick)).toEqual([0, 1, 2, 3, 4]);
    expect(audience.members.size).toBe(1);
  });

  test('a connection whose write throws is ended, and the others miss nothing', () => {
    const registry = makeRegistry();
    const fanOut = new FanOut(registry);
    const audience = new Audience();
    const broken = join(registry, audience);
    const good = join(registry, audience);
    broken.stream.write = () => {
      throw new Error('broken');
    };
    fanOut.push(audience, frame('1'));
    fanOut.push(audience, frame('2'));
    vi.runAllTimers();
    expect(received(good)).toEqual([1, 2]);
    expect(registry.closed.internal_error).toBe(1);
  });

  test('keeps nothing for an audience that has left', () => {
    const registry = makeRegistry();
    const fanOut = new FanOut(registry);
    const audience = new Audience();
    const { connection } = join(registry, audience);
    fanOut.push(audience, frame('1'));
    registry.aborted(connection);
    vi.runAllTimers();
    expect(audience.waiting).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('writes for as long as the rest of the turn took', () => {
    const registry = makeRegistry();
    const fanOut = new FanOut(registry);
    const audience = new Audience();
    const members = Array.from({ length: 10_000 }, () => join(registry, audience));
    const written = () => members.filter((member) => received(member).length > 0).length;
    for (const { stream } of members) {
      const write = stream.write.bind(stream);
      stream.write = (bytes) => {
        now += 0.01;
        return write(bytes);
      };
    }
    fanOut.push(audience, frame('1'));
    now += 20; // as if a burst were read meanwhile: that is worth 2,000 writes of 10 us
    vi.advanceTimersToNextTimer();
    expect(written()).toBeGreaterThanOrEqual(2_000);
    expect(written()).toBeLessThan(2_500);
  });

  test('a frame pushed after all waits for what was there before it, slice by slice, and for nothing later', () => {
    const registry = makeRegistry();
    const fanOut = new FanOut(registry);
    const big = new Audience();
    const members = Array.from({ length: 1_000 }, () => join(registry, big));
    fanOut.push(big, frame('1'));
    const all = new Audience();
    for (const { connection } of members) all.members.add(connection);
    fanOut.pushAfterAll(all, frame('3'));
    vi.advanceTimersToNextTimer(); // a slice, not everything
    expect(members.filter((member) => received(member).length > 0).length).toBeLessThan(1_000);
    fanOut.push(big, frame('2'));
    vi.runAllTimers();
    for (const member of members) {
      const got = received(member);
      expect(got).toHaveLength(3);
      expect(got.indexOf(3)).toBeGreaterThan(got.indexOf(1));
    }
  });

  test('pauses its sources when too much waits, and resumes them when that is written', () => {
    const registry = makeRegistry({ maxBuffer: 1024 ** 3 });
    const fanOut = new FanOut(registry);
    const audience = new Audience();
    const { stream } = join(registry, audience);
    const calls: string[] = [];
    const source = { pause: () => calls.push('pause'), resume: () => calls.push('resume') };
    const large = Buffer.alloc(1024 ** 2, 'x');
    for (let n = 0; n < 100; n++) fanOut.push(audience, large, source);
    expect(calls).toEqual(['pause']);
    vi.runAllTimers();
    expect(calls).toEqual(['pause', 'resume']);
    expect(stream.text.length).toBe(': open\n\n'.length + 100 * large.length);
    fanOut.push(audience, large, source);
    expect(calls).toHaveLength(2);
  });

  test('skips and repeats nobody under churn between slices, in order, whatever the audiences', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), audience: fc.nat({ max: 2 }) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('join' as const),
          audience: fc.nat({ max: 2 }),
          count: fc.nat({ max: 300 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat() }) },
      { weight: 6, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const registry = makeRegistry();
        const fanOut = new FanOut(registry);
        const audiences = [new Audience(), new Audience(), new Audience()];
        let sent = 0;
        const messages: number[][] = [[], [], []];
        let present: (Member & { audience: number; joinedAt: number })[] = [];
        const check = (member: (typeof present)[number], complete: boolean) => {
          const got = received(member);
          const all = messages[member.audience]!;
          // In order, each once, no gap: a run of the channel's messages that begins no later than the join.
          const from = got.length === 0 ? all.length : all.indexOf(got[0]!);
          expect(got).toEqual(all.slice(from, from + got.length));
          const due = all.filter((message) => message > member.joinedAt);
          if (complete) expect(got.slice(got.length - due.length)).toEqual(due);
        };
        for (const action of steps) {
          if (action.do === 'push') {
            messages[action.audience]!.push(++sent);
            fanOut.push(audiences[action.audience]!, frame(String(sent)));
          } else if (action.do === 'join') {
            for (let n = 0; n < action.count; n++) {
              present.push({
                ...join(registry, audiences[action.audience]!),
                audience: action.audience,
                joinedAt: sent,
              });
            }
          } else if (action.do === 'leave' && present.length > 0) {
            const [gone] = present.splice(action.which % present.length, 1);
            registry.aborted(gone!.connection);
            check(gone!, false);
          } else if (action.do === 'turn' && vi.getTimerCount() > 0) {
            vi.advanceTimersToNextTimer();
          }
        }
        vi.runAllTimers();
        for (const member of present) check(member, true);
        present = [];
      }),
      { numRuns: 150 },
    );
  });
});
