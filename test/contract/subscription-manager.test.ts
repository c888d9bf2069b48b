import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import { MemoryBroker } from '../../src/broker/memory.ts';
import { ValkeyBroker } from '../../src/broker/valkey.ts';
import { DedupSubscriptions } from '../../src/subscriptions/dedup.ts';
import { FanOut } from '../../src/subscriptions/fan-out.ts';
import { Inbox } from '../../src/subscriptions/inbox.ts';
import type { SubscriptionManager } from '../../src/subscriptions/manager.ts';
import { PerConnectionSubscriptions } from '../../src/subscriptions/per-connection.ts';
import { makeRegistry, openConnection } from '../support/fake-stream.ts';
import { MemoryLog } from '../support/log.ts';
import { ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

let valkey: ValkeyServer;
beforeAll(async () => {
  valkey = await ValkeyServer.start();
});
afterAll(() => valkey?.stop());

type Create = (broker: Broker, fanOut: FanOut, inbox: Inbox) => SubscriptionManager;
const modes: [string, Create][] = [
  ['dedup', (...parts) => new DedupSubscriptions(...parts, { linger: 0 })],
  ['per-connection', (...parts) => new PerConnectionSubscriptions(...parts)],
];
const brokers: [string, () => Broker][] = [
  ['memory', () => new MemoryBroker()],
  ['valkey', () => new ValkeyBroker(valkey.url, new MemoryLog())],
];

const combinations = modes.flatMap(([mode, create]) =>
  brokers.map(([kind, createBroker]) => [mode, kind, create, createBroker] as const),
);

describe.each(combinations)('subscriptions %s on broker %s', (_mode, _kind, create, createBroker) => {
  const toClose: (() => unknown)[] = [];

  function setUp() {
    const registry = makeRegistry();
    const inbox = new Inbox(new MemoryLog());
    const broker = createBroker();
    const manager = create(broker, new FanOut(registry), inbox);
    toClose.push(
      () => manager.close(),
      () => broker.close(),
    );
    const publish = (channel: string, text: string) => broker.publish(channel, Buffer.from(text));
    const open = async (channels: string[]) => {
      const subscription = await manager.subscribe(channels);
      const { connection, stream } = openConnection(registry);
      connection.subscription = subscription;
      subscription.deliverTo(connection);
      const received = () => [...stream.text.matchAll(/data: (.*)/g)].map(([, text]) => text);
      return { connection, received, leave: () => registry.aborted(connection) };
    };
    return { registry, inbox, broker, manager, publish, open };
  }

  afterEach(async () => {
    for (const close of toClose.splice(0)) await close();
  });

  test('each connection gets every message of its channels, in order, once', async () => {
    const { publish, open } = setUp();
    const a = await open(['a']);
    const ab = await open(['a', 'b']);
    const b = await open(['b']);
    for (let n = 0; n < 100; n++) await publish(n % 2 === 0 ? 'a' : 'b', String(n));
    await waitFor(() => ab.received().length === 100, 'all messages came');
    await waitFor(() => a.received().length + b.received().length === 100, 'all messages came to the others');
    const numbers = Array.from({ length: 100 }, (_, n) => String(n));
    const even = (text: string) => Number(text) % 2 === 0;
    expect(a.received()).toEqual(numbers.filter(even));
    expect(b.received()).toEqual(numbers.filter((text) => !even(text)));
    expect(ab.received().filter((text) => even(text!))).toEqual(numbers.filter(even));
    expect(ab.received().filter((text) => !even(text!))).toEqual(numbers.filter((text) => !even(text)));
  });

  test('a message published right after the subscription resolved arrives', async () => {
    const { publish, open } = setUp();
    for (let n = 0; n < 20; n++) {
      const client = await open([`race:${n}`]);
      expect(await publish(`race:${n}`, 'x')).toBe(1);
      await waitFor(() => client.received().length === 1, 'the message came');
      client.leave();
    }
  });

  test('whoever left gets nothing more, and the last to leave ends the subscription', async () => {
    const { publish, open, manager } = setUp();
    const [one, two] = [await open(['a']), await open(['a'])];
    one.leave();
    await publish('a', '1');
    await waitFor(() => two.received().length === 1, 'the message came');
    expect(one.received()).toEqual([]);
    two.leave();
    await waitFor(async () => (await publish('a', '2')) === 0, 'nobody is subscribed');
    await waitFor(() => manager.channels === 0 && manager.subscriptions === 0, 'nothing is held');
    expect(two.received()).toEqual(['1']);
  });

  test('a subscription closed before it delivers leaves nothing behind', async () => {
    const { publish, manager } = setUp();
    const subscription = await manager.subscribe(['a', 'b']);
    subscription.close();
    subscription.close();
    await waitFor(async () => (await publish('a', 'x')) === 0, 'nobody is subscribed');
    await waitFor(() => manager.channels === 0, 'nothing is held');
  });

  test('messages that cannot be sent are dropped and counted, and the next arrive', async () => {
    const { publish, open, inbox } = setUp();
    const client = await open(['a']);
    await publish('a', '{"event_type":"a\\nb","data":"bad"}');
    await publish('a', '{"id":"a\\u0000","data":"bad"}');
    await publish('a', '{"data":"good"}');
    await waitFor(() => client.received().length > 0, 'a message came');
    expect(client.received()).toEqual(['good']);
    expect(inbox.dropped).toMatchObject({ invalid_event_type: 1, invalid_id: 1 });
    expect(inbox.received).toBe(3);
  });

  test('counts channels and subscriptions, and is ready', async () => {
    const { open, manager } = setUp();
    await open(['a', 'b']);
    await open(['b', 'c']);
    expect(manager.channels).toBe(3);
    expect(manager.subscriptions).toBe(_mode === 'dedup' ? 3 : 4);
    await waitFor(() => manager.ready, 'the manager is ready');
  });
});
