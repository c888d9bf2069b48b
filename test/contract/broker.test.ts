import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Broker, BrokerSession } from '../../src/broker/broker.ts';
import { MemoryBroker } from '../../src/broker/memory.ts';
import { ValkeyBroker } from '../../src/broker/valkey.ts';
import { MemoryLog } from '../support/log.ts';
import { ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

let valkey: ValkeyServer;
beforeAll(async () => {
  valkey = await ValkeyServer.start();
});
afterAll(() => valkey?.stop());

const implementations: [string, () => Broker][] = [
  ['memory', () => new MemoryBroker()],
  ['valkey', () => new ValkeyBroker(valkey.url, new MemoryLog())],
];

describe.each(implementations)('broker %s', (_name, create) => {
  let broker: Broker;
  const sessions: BrokerSession[] = [];
  const closed: Broker[] = [];

  function open(): { session: BrokerSession; messages: [string, string][]; gaps: string[][] } {
    const messages: [string, string][] = [];
    const gaps: string[][] = [];
    const session = broker.openSession({
      message: (channel, payload) => messages.push([channel, payload.toString()]),
      gap: (channels) => gaps.push([...channels]),
      refused: () => {},
    });
    sessions.push(session);
    return { session, messages, gaps };
  }

  const publish = (channel: string, text: string) => broker.publish(channel, Buffer.from(text));

  /** Opens the broker of the test; every session and broker is closed after it. */
  function setUp(): void {
    broker = create();
    closed.push(broker);
  }

  afterEach(async () => {
    for (const session of sessions.splice(0)) session.close();
    for (const each of closed.splice(0)) await each.close();
  });

  test('delivers what is published after the acknowledgement, to subscribed channels alone', async () => {
    setUp();
    const { session, messages } = open();
    await session.subscribe(['a', 'b']);
    await publish('a', '1');
    await publish('c', '2');
    await publish('b', '3');
    await waitFor(() => messages.length === 2, 'two messages came');
    expect(messages).toEqual([
      ['a', '1'],
      ['b', '3'],
    ]);
  });

  test('keeps the order of a channel', async () => {
    setUp();
    const { session, messages } = open();
    await session.subscribe(['a']);
    const numbers = Array.from({ length: 1000 }, (_, index) => String(index));
    await Promise.all(numbers.map((number) => publish('a', number)));
    await waitFor(() => messages.length === 1000, 'all messages came');
    expect(messages.map(([, text]) => text)).toEqual(numbers);
  });

  test('answers how many sessions a message went to', async () => {
    setUp();
    const [one, two] = [open(), open()];
    expect(await publish('a', 'x')).toBe(0);
    await one.session.subscribe(['a']);
    expect(await publish('a', 'x')).toBe(1);
    await two.session.subscribe(['a']);
    expect(await publish('a', 'x')).toBe(2);
    one.session.close();
    await waitFor(async () => (await publish('a', 'x')) === 1, 'the closed session is gone');
  });

  test('delivers nothing after an acknowledged unsubscribe, and again after a new subscribe', async () => {
    setUp();
    const { session, messages } = open();
    await session.subscribe(['a']);
    await session.unsubscribe(['a']);
    expect(await publish('a', 'unheard')).toBe(0);
    await session.subscribe(['a']);
    await publish('a', 'heard');
    await waitFor(() => messages.length > 0, 'the message came');
    expect(messages).toEqual([['a', 'heard']]);
  });

  test('carries any bytes, in channel names too', async () => {
    setUp();
    const channel = 'order:ü😀:1';
    const bytes = Buffer.from([0, 10, 13, 255, 254, 0xf0, 0x9f]);
    let got: Buffer | undefined;
    const session = broker.openSession({
      message: (_channel, payload) => {
        got = Buffer.from(payload);
      },
      gap: () => {},
      refused: () => {},
    });
    sessions.push(session);
    await session.subscribe([channel]);
    expect(await broker.publish(channel, bytes)).toBe(1);
    await waitFor(() => got !== undefined, 'the message came');
    expect(got).toEqual(bytes);
  });

  test('takes hundreds of thousands of channels in one call', async () => {
    setUp();
    const { session, messages } = open();
    const channels = Array.from({ length: 300_000 }, (_, index) => `many:${index}`);
    await session.subscribe(channels);
    await publish('many:0', 'first');
    await publish('many:299999', 'last');
    await waitFor(() => messages.length === 2, 'both messages came');
    await session.unsubscribe(channels);
    expect(await publish('many:299999', 'x')).toBe(0);
  });

  test('a paused session gets its messages, all and in order, once it is resumed', async () => {
    setUp();
    const { session, messages, gaps } = open();
    await session.subscribe(['a']);
    session.pause();
    const published = Promise.all(Array.from({ length: 100 }, (_, n) => publish('a', String(n))));
    await new Promise((resolve) => setTimeout(resolve, 6_500)); // longer than two liveness probes: a pause is no loss
    session.resume();
    await published;
    await waitFor(() => messages.length === 100, 'all messages came');
    expect(messages.map(([, text]) => Number(text))).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(gaps).toEqual([]);
  });

  test('tells that it is connected, and reports no gap while nothing was lost', async () => {
    setUp();
    const { session, gaps } = open();
    await session.ready();
    expect(session.connected).toBe(true);
    await waitFor(() => broker.status().state === 'connected', 'the broker is connected');
    await session.subscribe(['a']);
    expect(gaps).toEqual([]);
    expect(broker.status().reconnects).toBe(0);
  });
});
