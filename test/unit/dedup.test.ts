import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BrokerRefused, BrokerUnavailable } from '../../src/broker/broker.ts';
import { DedupSubscriptions } from '../../src/subscriptions/dedup.ts';
import { FanOut } from '../../src/subscriptions/fan-out.ts';
import { Inbox } from '../../src/subscriptions/inbox.ts';
import type { Subscription } from '../../src/subscriptions/manager.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import { type FakeStream, makeRegistry, openConnection } from '../support/fake-stream.ts';
import { MemoryLog } from '../support/log.ts';

const LINGER = 2_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const broker = new FakeBroker();
  const registry = makeRegistry();
  const manager = new DedupSubscriptions(broker, new FanOut(registry), new Inbox(new MemoryLog()), {
    linger: LINGER,
  });
  return { broker, registry, manager };
}

/** Lets everything happen that needs neither the broker nor time. */
async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await turn();
}

/** Acknowledges until nothing is left to acknowledge. */
async function acknowledgeAll(broker: FakeBroker): Promise<void> {
  for (await settle(); broker.inFlight.length > 0; await settle()) broker.acknowledge();
}

describe('dedup', () => {
  test('subscribes each distinct channel once, and those of one turn with one command', async () => {
    const { broker, manager } = setUp();
    const subscribing = Promise.all([
      manager.subscribe(['a', 'b']),
      manager.subscribe(['b', 'c']),
      manager.subscribe(['a']),
    ]);
    await acknowledgeAll(broker);
    await subscribing;
    expect(broker.sent).toEqual([{ name: 'subscribe', channels: ['a', 'b', 'c'] }]);
  });

  test('serves a channel that is held at once', async () => {
    const { broker, manager } = setUp();
    const first = manager.subscribe(['a']);
    await acknowledgeAll(broker);
    await first;
    await manager.subscribe(['a']);
    expect(broker.sent).toHaveLength(1);
  });

  test('is not done before the broker has acknowledged', async () => {
    const { broker, manager } = setUp();
    let done = false;
    manager.subscribe(['a']).then(() => {
      done = true;
    });
    await settle();
    expect(done).toBe(false);
    broker.acknowledge();
    await settle();
    expect(done).toBe(true);
  });

  test('lingers after the last subscriber, and unsubscribes those of one turn with one command', async () => {
    const { broker, manager } = setUp();
    const subscribing = manager.subscribe(['a', 'b']);
    await acknowledgeAll(broker);
    (await subscribing).close();
    await vi.advanceTimersByTimeAsync(LINGER - 1);
    await acknowledgeAll(broker);
    expect(broker.subscribed).toEqual(new Set(['a', 'b']));
    vi.advanceTimersByTime(1); // as in Node, timers that are due together run in one turn
    await acknowledgeAll(broker);
    expect(broker.subscribed.size).toBe(0);
    expect(manager.channels).toBe(0);
    expect(broker.sent).toHaveLength(2);
  });

  test('a subscriber within the linger keeps the channel without a command', async () => {
    const { broker, manager } = setUp();
    const subscribing = manager.subscribe(['a']);
    await acknowledgeAll(broker);
    (await subscribing).close();
    await vi.advanceTimersByTimeAsync(LINGER - 1);
    await manager.subscribe(['a']);
    await vi.advanceTimersByTimeAsync(10 * LINGER);
    await acknowledgeAll(broker);
    expect(broker.sent).toHaveLength(1);
  });

  test('a subscriber while an UNSUBSCRIBE is in flight gets a SUBSCRIBE after it', async () => {
    const { broker, manager } = setUp();
    const subscribing = manager.subscribe(['a']);
    await acknowledgeAll(broker);
    (await subscribing).close();
    await vi.advanceTimersByTimeAsync(LINGER);
    await settle();
    expect(broker.inFlight).toMatchObject([{ name: 'unsubscribe' }]);
    const again = manager.subscribe(['a']);
    await settle();
    expect(broker.inFlight).toHaveLength(1);
    await acknowledgeAll(broker);
    await again;
    expect(broker.subscribed).toEqual(new Set(['a']));
  });

  test('fails, and holds nothing, when the link is lost while a SUBSCRIBE is in flight', async () => {
    const { broker, manager } = setUp();
    const subscribing = manager.subscribe(['a']);
    const outcome = expect(subscribing).rejects.toBeInstanceOf(BrokerUnavailable);
    await settle();
    broker.lose();
    await outcome;
    await settle();
    expect(manager.channels).toBe(0);
    await expect(manager.subscribe(['a'])).rejects.toBeInstanceOf(BrokerUnavailable);
  });

  test('a channel that the broker refuses fails alone', async () => {
    const { broker, manager } = setUp();
    broker.refused.add('secret');
    const good = manager.subscribe(['a']);
    const bad = expect(manager.subscribe(['b', 'secret'])).rejects.toBeInstanceOf(BrokerRefused);
    await acknowledgeAll(broker);
    await good;
    await bad;
    await vi.advanceTimersByTimeAsync(LINGER);
    await acknowledgeAll(broker);
    expect(broker.subscribed).toEqual(new Set(['a']));
    expect(manager.channels).toBe(1);
  });

  test('after a gap every affected connection gets one resync, after what came before', async () => {
    const { broker, registry, manager } = setUp();
    const { connection, stream } = openConnection(registry);
    const other = openConnection(registry);
    const subscribing = Promise.all([manager.subscribe(['a', 'b']), manager.subscribe(['a'])]);
    await acknowledgeAll(broker);
    const [both, one] = await subscribing;
    both.deliverTo(connection);
    one.deliverTo(other.connection);
    await broker.publish('b', Buffer.from('before'));
    broker.lose();
    broker.regain();
    await settle();
    const resync = 'event: resync\ndata: {"reason":"broker_reconnected"}\n\n';
    expect(stream.text).toBe(`: open\n\nevent: update\ndata: before\n\n${resync}`);
    expect(other.stream.text).toBe(`: open\n\n${resync}`);
  });

  test('a channel that the broker no longer allows after a loss ends its streams, and the others go on', async () => {
    const { broker, registry, manager } = setUp();
    const [good, bad] = [openConnection(registry), openConnection(registry)];
    const subscribing = Promise.all([manager.subscribe(['a']), manager.subscribe(['a', 'b'])]);
    await acknowledgeAll(broker);
    for (const [index, { connection }] of [good, bad].entries()) {
      connection.subscription = (await subscribing)[index]!;
      (await subscribing)[index]!.deliverTo(connection);
    }
    broker.refused.add('b');
    broker.lose();
    broker.regain();
    await settle();
    expect(registry.closed.revoked).toBe(1);
    expect(bad.stream.ended).toBe(true);
    expect(good.stream.text).toContain('event: resync');
    expect(manager.channels).toBe(1);
    await broker.publish('a', Buffer.from('after'));
    await settle();
    expect(good.stream.text).toContain('data: after');
  });

  test('references, subscriptions and delivery are right after any interleaving', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('subscribe' as const),
          channels: fc.subarray(names, { minLength: 1 }),
        }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat() }) },
      { weight: 5, arbitrary: fc.constant({ do: 'acknowledge' as const }) },
      { weight: 4, arbitrary: fc.constant({ do: 'turn' as const }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('wait' as const),
          ms: fc.constantFrom(1, LINGER / 2, LINGER),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ do: 'lose' as const }) },
      { weight: 2, arbitrary: fc.constant({ do: 'regain' as const }) },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('publish' as const), channel: fc.constantFrom(...names) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const { broker, registry, manager } = setUp();
        type Client = { channels: string[]; stream: FakeStream; subscription: Subscription; end: () => void };
        const clients: Client[] = [];
        const pending: { aborted: boolean }[] = [];
        for (const action of steps) {
          if (action.do === 'subscribe') {
            const request = { aborted: false };
            pending.push(request);
            manager.subscribe(action.channels).then(
              (subscription) => {
                pending.splice(pending.indexOf(request), 1);
                if (request.aborted) return subscription.close();
                const { connection, stream } = openConnection(registry);
                connection.subscription = subscription;
                subscription.deliverTo(connection);
                clients.push({
                  channels: action.channels,
                  stream,
                  subscription,
                  end: () => registry.close(connection, 'shutdown'),
                });
              },
              () => pending.splice(pending.indexOf(request), 1),
            );
          } else if (action.do === 'end' && clients.length > 0) {
            clients.splice(action.which % clients.length, 1)[0]!.end();
          } else if (action.do === 'abort' && pending.length > 0)
            pending[action.which % pending.length]!.aborted = true;
          else if (action.do === 'acknowledge') broker.acknowledge();
          else if (action.do === 'turn') await turn();
          else if (action.do === 'wait') await vi.advanceTimersByTimeAsync(action.ms);
          else if (action.do === 'lose') broker.lose();
          else if (action.do === 'regain') broker.regain();
          else if (action.do === 'publish') await broker.publish(action.channel, Buffer.from('early'));
          // Whoever is being served has its channels at the broker, whatever else is going on.
          await Promise.resolve();
          if (broker.up)
            for (const { channels } of clients)
              for (const name of channels) expect(broker.subscribed).toContain(name);
        }
        broker.regain();
        await acknowledgeAll(broker);
        expect(pending).toEqual([]);
        await vi.advanceTimersByTimeAsync(LINGER);
        await acknowledgeAll(broker);

        const wanted = new Set(clients.flatMap(({ channels }) => channels));
        expect(broker.subscribed).toEqual(wanted);
        expect(manager.channels).toBe(wanted.size);
        for (const name of names) await broker.publish(name, Buffer.from(`last-${name}`));
        await settle();
        for (const { stream, channels } of clients) {
          const got = [...stream.text.matchAll(/data: last-(.)/g)].map(([, name]) => name);
          expect(got.sort()).toEqual([...channels].sort());
        }
      }),
      { numRuns: 300 },
    );
  });
});
