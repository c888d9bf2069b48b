import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayStats } from '../../src/gateway.ts';
import { Ssemux } from '../support/process.ts';
import { SseClient } from '../support/sse-client.ts';
import { ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

let valkey: ValkeyServer;
let gateway: Awaited<ReturnType<typeof Ssemux.serve>>;
const cleanUp: (() => unknown)[] = [];
beforeEach(async () => {
  valkey = await ValkeyServer.start();
});
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
  await gateway?.stop();
  await valkey.stop();
});

const MESSAGES = 10_000;
const BODY = 'x'.repeat(2048);

const stats = async () => (await (await fetch(`${gateway.url}/stats`)).json()) as GatewayStats;

/** A client that sends its request and then never reads a byte. */
async function openUnread(channel: string): Promise<Socket> {
  const before = (await stats()).connections.open;
  const { hostname, port } = new URL(gateway.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.pause();
  socket.on('error', () => {});
  socket.write(`GET /events?channel=${channel} HTTP/1.1\r\nHost: x\r\n\r\n`);
  cleanUp.push(() => socket.destroy());
  await waitFor(async () => (await stats()).connections.open > before, 'the stream is open');
  return socket;
}

/** Publishes numbered messages, in bursts that a reader can follow. */
async function flood(channel: string, count: number, until: () => boolean = () => false): Promise<number> {
  const publisher = valkey.client({ enableAutoPipelining: true });
  cleanUp.push(() => publisher.disconnect());
  let sent = 0;
  while (sent < count && !until()) {
    const burst = Array.from({ length: Math.min(100, count - sent) }, () => ++sent);
    await Promise.all(burst.map((n) => publisher.publish(channel, JSON.stringify({ id: n, data: BODY }))));
    await sleep(5);
  }
  return sent;
}

describe.each(['dedup', 'per-connection'])('%s', (mode) => {
  let serve: (...args: string[]) => Promise<void>;
  beforeEach(() => {
    serve = async (...args) => {
      gateway = await Ssemux.serve(['--mode', mode, '--valkey-url', valkey.url, ...args]);
    };
  });

  test('a client that never reads is closed as slow_consumer; the others miss nothing and memory stays bounded', async () => {
    await serve();
    const ids: number[][] = Array.from({ length: 10 }, () => []);
    for (const got of ids) {
      const client = await SseClient.open(gateway.url, ['a'], { onEvent: ({ id }) => got.push(Number(id)) });
      cleanUp.push(() => client.close());
    }
    await openUnread('a');
    const before = (await stats()).memory.rss_bytes;
    let worst = 0;
    let publishing = true;
    const watching = (async () => {
      while (publishing) {
        const { connections, memory } = await stats();
        worst = Math.max(worst, memory.rss_bytes);
        expect(connections.buffered_bytes).toBeLessThanOrEqual(11 * 1024 ** 2);
        await sleep(20);
      }
    })();
    await flood('a', MESSAGES);
    publishing = false;
    await watching;
    for (const got of ids) await waitFor(() => got.length === MESSAGES, 'a reading client has every message');
    const numbers = Array.from({ length: MESSAGES }, (_, index) => index + 1);
    for (const got of ids) expect(got).toEqual(numbers);
    const { connections } = await stats();
    expect(connections.closed).toMatchObject({ slow_consumer: 1, client_gone: 0 });
    expect(connections).toMatchObject({ open: 10, congested: 0, buffered_bytes: 0 });
    // 20 MiB passed for each of 11 clients; what was kept of it is far less.
    expect(worst - before).toBeLessThan(150 * 1024 ** 2);
  });

  test('a client that pauses 3 s within the bound loses nothing, and is alive 30 s later', {
    timeout: 90_000,
  }, async () => {
    await serve('--max-buffer', '64MiB'); // far more than the flood may overshoot
    const got: number[] = [];
    const client = await SseClient.open(gateway.url, ['a'], { onEvent: ({ id }) => got.push(Number(id)) });
    cleanUp.push(() => client.close());
    client.pause();
    const paused = performance.now();
    // As much as it takes until the gateway has to keep bytes for it, which is past what the kernel takes.
    let congested = false;
    const watching = (async () => {
      while (!congested && performance.now() - paused < 20_000)
        congested = (await stats()).connections.congested > 0;
    })();
    let sent = await flood('a', 20_000, () => congested);
    await watching;
    expect(congested).toBe(true);
    await sleep(Math.max(0, 3_000 - (performance.now() - paused)));
    client.resume();
    await waitFor(() => got.length === sent, 'the client has all that was sent');
    await waitFor(async () => (await stats()).connections.congested === 0, 'it is not congested any more');

    await sleep(30_000);
    const publisher = valkey.client();
    cleanUp.push(() => publisher.disconnect());
    await publisher.publish('a', JSON.stringify({ id: ++sent, data: 'late' }));
    await waitFor(() => got.length === sent, 'the late message arrives');
    expect(got).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
    expect(client.ended).toBe(false);
  });
});
