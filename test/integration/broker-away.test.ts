import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Ssemux } from '../support/process.ts';
import { SseClient } from '../support/sse-client.ts';
import { ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

type Gateway = Awaited<ReturnType<typeof Ssemux.serve>>;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

async function startValkey(...args: string[]): Promise<ValkeyServer> {
  const valkey = await ValkeyServer.start(...args);
  cleanUp.push(() => valkey.stop());
  return valkey;
}

async function startGateway(valkey: ValkeyServer, mode: string, ...args: string[]): Promise<Gateway> {
  const gateway = await Ssemux.serve(['--mode', mode, '--valkey-url', valkey.url, ...args]);
  cleanUp.push(() => gateway.stop());
  return gateway;
}

async function openClient(gateway: Gateway, ...channels: string[]): Promise<SseClient> {
  const client = await SseClient.open(gateway.url, channels);
  cleanUp.push(() => client.close());
  return client;
}

const status = async (url: string) => (await fetch(url)).status;
const ready = (gateway: Gateway) => async () => (await status(`${gateway.url}/readyz`)) === 200;
const notReady = (gateway: Gateway) => async () => (await status(`${gateway.url}/readyz`)) === 503;
const resyncs = ({ events }: SseClient) => events.filter(({ event }) => event === 'resync');
const data = ({ events }: SseClient) =>
  events.filter(({ event }) => event !== 'resync').map((event) => event.data);

async function publish(valkey: ValkeyServer, channel: string, text: string): Promise<number> {
  const client = valkey.client();
  try {
    return await client.publish(channel, text);
  } finally {
    client.disconnect();
  }
}

/** Everything is as before: ready, streams of old still there, and messages arrive. */
async function expectRecovery(gateway: Gateway, valkey: ValkeyServer, clients: SseClient[]): Promise<void> {
  await waitFor(ready(gateway), 'the gateway is ready again');
  for (const client of clients) await waitFor(() => resyncs(client).length > 0, 'each client has its resync');
  expect(await publish(valkey, 'a', 'after')).toBeGreaterThan(0);
  for (const client of clients) await waitFor(() => data(client).includes('after'), 'the message arrives');
  for (const client of clients) {
    expect(client.ended).toBe(false);
    expect(resyncs(client)).toEqual([
      { event: 'resync', data: '{"reason":"broker_reconnected"}', id: undefined },
    ]);
    expect(data(client).filter((text) => text === 'after')).toEqual(['after']);
  }
}

describe.each(['dedup', 'per-connection'])('%s', (mode) => {
  test('starts without the broker, tells clients to come back, and serves once it is there', async () => {
    const valkey = await ValkeyServer.later();
    cleanUp.push(() => valkey.stop());
    const gateway = await startGateway(valkey, mode);
    expect(await status(`${gateway.url}/readyz`)).toBe(503);
    expect(await status(`${gateway.url}/healthz`)).toBe(200);

    const early = await SseClient.request(`${gateway.url}/events?channel=a`);
    expect(early.response.statusCode).toBe(200);
    await waitFor(() => early.ended, 'the stream has ended');
    expect(early.retry).toBeGreaterThanOrEqual(1_000);
    const refused = await fetch(`${gateway.url}/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"channel":"a"}',
    });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);

    await valkey.start();
    await waitFor(ready(gateway), 'the gateway is ready');
    const client = await openClient(gateway, 'a');
    await publish(valkey, 'a', 'hello');
    await waitFor(() => data(client).length > 0, 'the message arrives');
    expect(resyncs(client)).toEqual([]);
  });

  test('survives a SIGKILL and restart of the broker: streams stay, channels are resubscribed, each client gets one resync', async () => {
    const valkey = await startValkey();
    const gateway = await startGateway(valkey, mode);
    const clients = [await openClient(gateway, 'a', 'b', 'c'), await openClient(gateway, 'a')];
    await valkey.kill();
    await waitFor(notReady(gateway), 'the loss is noticed');
    const meanwhile = await SseClient.request(`${gateway.url}/events?channel=a`);
    await waitFor(() => meanwhile.ended && meanwhile.retry, 'a new client is told to come back');
    await valkey.start();
    await expectRecovery(gateway, valkey, clients);
  });

  test('notices a broker stopped by SIGSTOP by its probe, and recovers when it goes on', {
    timeout: 60_000,
  }, async () => {
    const valkey = await startValkey();
    const gateway = await startGateway(valkey, mode);
    const clients = [await openClient(gateway, 'a', 'b'), await openClient(gateway, 'a')];
    await waitFor(ready(gateway), 'the gateway is ready');
    valkey.signal('SIGSTOP');
    // The sockets stay open and silent for these 10 s: nothing but the probe can tell.
    await Promise.all([sleep(10_000), waitFor(notReady(gateway), 'the loss is noticed', 9_500)]);
    expect(clients.every((client) => !client.ended)).toBe(true);
    valkey.signal('SIGCONT');
    await expectRecovery(gateway, valkey, clients);
  });

  test('a subscription link that the server kills alone is a gap, too', async () => {
    const valkey = await startValkey();
    const gateway = await startGateway(valkey, mode);
    const clients = [await openClient(gateway, 'a'), await openClient(gateway, 'a')];
    const admin = valkey.client();
    cleanUp.push(() => admin.disconnect());
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await expectRecovery(gateway, valkey, clients);
  });
});

test('dedup: a link past the output-buffer limit, because the gateway stood still, is a gap', {
  timeout: 60_000,
}, async () => {
  const valkey = await startValkey('--client-output-buffer-limit', 'pubsub 1mb 1mb 1');
  const gateway = await startGateway(valkey, 'dedup');
  const clients = [await openClient(gateway, 'a'), await openClient(gateway, 'a')];
  const admin = valkey.client();
  cleanUp.push(() => admin.disconnect());
  const subscribers = async () => (await admin.call('PUBSUB', 'NUMSUB', 'a')) as [string, number];

  gateway.child.kill('SIGSTOP');
  cleanUp.push(() => gateway.child.kill('SIGCONT'));
  const flood = Buffer.alloc(64 * 1024, 'x');
  await waitFor(async () => {
    for (let n = 0; n < 50; n++) await admin.publish('a', flood);
    return (await subscribers())[1] === 0;
  }, 'the server has dropped the link');
  gateway.child.kill('SIGCONT');
  await expectRecovery(gateway, valkey, clients);
});

test('per-connection: past maxclients, new clients are told to come back and those connected notice nothing', async () => {
  const valkey = await startValkey('--maxclients', '12');
  const gateway = await startGateway(valkey, 'per-connection');
  const clients: SseClient[] = [];
  let refused: SseClient | undefined;
  while (refused === undefined && clients.length < 20) {
    const client = await SseClient.request(`${gateway.url}/events?channel=a`);
    cleanUp.push(() => client.close());
    await waitFor(() => client.ended || client.comments.includes('open'), 'the request is answered');
    if (client.comments.includes('open')) clients.push(client);
    else refused = client;
  }
  expect(clients.length).toBeGreaterThan(5);
  expect(refused?.retry).toBeGreaterThanOrEqual(1_000);
  const stats = (await (await fetch(`${gateway.url}/stats`)).json()) as { connections: { rejected: object } };
  expect(stats.connections.rejected).toMatchObject({ broker_unavailable: 1 });
  const { ok } = await fetch(`${gateway.url}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"channel":"a","data":"x"}',
  });
  expect(ok).toBe(true);
  for (const client of clients) await waitFor(() => data(client).length === 1, 'the message arrives');
  expect(gateway.stdout).toContain('max number of clients reached');
});

test('a channel that an ACL of the broker forbids is 403, and the client asking for it harms nobody', async () => {
  const valkey = await startValkey();
  const admin = valkey.client();
  cleanUp.push(() => admin.disconnect());
  await admin.call('ACL', 'SETUSER', 'gateway', 'on', '>password', '+@all', 'resetchannels', '&public:*');
  const url = valkey.url.replace('//', '//gateway:password@');
  const gateway = await Ssemux.serve(['--valkey-url', url]);
  cleanUp.push(() => gateway.stop());
  const [allowed, forbidden] = await Promise.all([
    SseClient.open(gateway.url, ['public:1']),
    SseClient.request(`${gateway.url}/events?channel=secret:1`),
  ]);
  cleanUp.push(() => allowed.close());
  expect(forbidden.response.statusCode).toBe(403);
  await publish(valkey, 'public:1', 'x');
  await waitFor(() => data(allowed).length === 1, 'the message arrives');
});

test.each(['dedup', 'per-connection'])(
  'channels that an ACL forbids by the time of a reconnect end their streams as revoked; the others recover (%s)',
  async (mode) => {
    const valkey = await startValkey();
    const admin = valkey.client();
    cleanUp.push(() => admin.disconnect());
    await admin.call('ACL', 'SETUSER', 'gateway', 'on', '>password', '+@all', '&*');
    const url = valkey.url.replace('//', '//gateway:password@');
    const gateway = await Ssemux.serve(['--mode', mode, '--valkey-url', url]);
    cleanUp.push(() => gateway.stop());
    const [kept, revoked] = [await openClient(gateway, 'a'), await openClient(gateway, 'b')];
    await admin.call('ACL', 'SETUSER', 'gateway', 'resetchannels', '&a');
    await waitFor(() => revoked.ended, 'the stream of the forbidden channel has ended');
    expect(revoked.comments).toContain('revoked');
    const forbidden = await SseClient.request(`${gateway.url}/events?channel=b`);
    cleanUp.push(() => forbidden.close());
    expect(forbidden.response.statusCode).toBe(403);
    await publish(valkey, 'a', 'after');
    await waitFor(() => data(kept).includes('after'), 'the allowed channel goes on');
    expect(kept.ended).toBe(false);
  },
);

test('a publish of which the broker allows only a part says which', async () => {
  const valkey = await startValkey();
  const admin = valkey.client();
  cleanUp.push(() => admin.disconnect());
  await admin.call('ACL', 'SETUSER', 'gateway', 'on', '>password', '+@all', 'resetchannels', '&a');
  const gateway = await Ssemux.serve(['--valkey-url', valkey.url.replace('//', '//gateway:password@')]);
  cleanUp.push(() => gateway.stop());
  await waitFor(ready(gateway), 'the gateway is ready');
  const response = await fetch(`${gateway.url}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"channels":["a","b"]}',
  });
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({ field: 'channels', detail: 'published to a; failed for b' });
});
