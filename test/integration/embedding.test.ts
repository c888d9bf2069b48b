import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Authorize, ConfigError, createGateway, type StreamRequest } from '../../src/index.ts';
import { post, startGateway } from '../support/gateway.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { SseClient } from '../support/sse-client.ts';
import { freePort } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

/** A gateway whose authorizer may answer anything. */
const deciding = (decision: unknown) => startGateway({ authorize: (() => decision) as unknown as Authorize });

const events = ({ url }: { url: string }, query: string) => fetch(`${url}/events?${query}`);

/** Expects that the gateway holds nothing for anyone. */
function expectNothingLeft(gateway: { stats(): object }): void {
  expect(gateway.stats()).toMatchObject({ channels: 0, subscriptions: 0, connections: { open: 0 } });
}

describe('the authorizer', () => {
  test('is given channels, headers, cookies, address and origin', async () => {
    let request: StreamRequest | undefined;
    const gateway = await startGateway({
      authorize: (asked) => {
        request = asked;
        return { allow: true };
      },
    });
    await SseClient.open(gateway.url, ['order:1', 'user:2', 'order:1'], {
      headers: {
        Authorization: 'Bearer x',
        'X-Custom': 'yes',
        Cookie: 'session=a%20b; theme=dark; __proto__=x',
        Origin: 'https://app.example',
      },
    });
    expect(request).toMatchObject({
      channels: ['order:1', 'user:2'],
      headers: { authorization: 'Bearer x', 'x-custom': 'yes', origin: 'https://app.example' },
      cookies: { session: 'a b', theme: 'dark' },
      ip: '127.0.0.1',
      origin: 'https://app.example',
    });
  });

  test('is given no cookies and no origin where there are none', async () => {
    let request: StreamRequest | undefined;
    const gateway = await startGateway({
      authorize: (asked) => {
        request = asked;
        return { allow: true };
      },
    });
    await SseClient.open(gateway.url, ['a']);
    expect({ cookies: { ...request?.cookies }, origin: request?.origin }).toEqual({
      cookies: {},
      origin: undefined,
    });
  });

  test('is asked before anything is subscribed or sent', async () => {
    let before: object | undefined;
    const decided = Promise.withResolvers<{ allow: true }>();
    const gateway = await startGateway({
      authorize: () => {
        before = gateway.stats();
        return decided.promise;
      },
    });
    const socket = await RawSocket.connect(gateway.url);
    socket.send('GET /events?channel=a HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await waitFor(() => before !== undefined, 'it is asked');
    expect(before).toMatchObject({ channels: 0, subscriptions: 0, connections: { open: 0, opened: 0 } });
    expect(await (await post(gateway, { channel: 'a', data: 'too early' })).json()).toEqual({ receivers: 0 });
    expect(socket.received).toBe('');
    decided.resolve({ allow: true });
    await waitFor(() => socket.received.includes(': open'), 'the stream opens');
    expect(socket.received).not.toContain('too early');
  });

  test('is not asked about what is refused anyway', async () => {
    let asked = 0;
    const gateway = await startGateway({
      maxConnections: 1,
      authorize: () => {
        asked++;
        return { allow: true };
      },
    });
    expect((await events(gateway, 'channel=a*')).status).toBe(400);
    expect(
      (await fetch(`${gateway.url}/events?channel=a`, { headers: { accept: 'text/html' } })).status,
    ).toBe(406);
    expect(asked).toBe(0);
    await SseClient.open(gateway.url, ['a']);
    expect(await (await events(gateway, 'channel=a')).text()).toContain('retry: ');
    expect(asked).toBe(1);
  });

  test('may narrow the channels', async () => {
    const gateway = await startGateway({
      authorize: ({ channels }) => ({ allow: true, channels: channels.filter((name) => name === 'mine') }),
    });
    const client = await SseClient.open(gateway.url, ['mine', 'theirs']);
    expect(await (await post(gateway, { channel: 'theirs' })).json()).toEqual({ receivers: 0 });
    await post(gateway, { channel: 'mine', data: 'x' });
    await waitFor(() => client.events.length === 1, 'the event arrives');
    expect(gateway.stats().channels).toBe(1);

    const nothingLeft = await events(gateway, 'channel=theirs');
    expect([nothingLeft.status, gateway.stats().connections.rejected.forbidden]).toEqual([403, 1]);
  });

  test('may supply channels to a client that names none', async () => {
    const gateway = await startGateway({
      authorize: async ({ cookies }) => ({ allow: true, channels: [`user:${cookies.user}`] }),
    });
    const client = await SseClient.request(`${gateway.url}/events`, { headers: { cookie: 'user=7' } });
    await waitFor(() => client.comments.includes('open'), 'the stream opens');
    await post(gateway, { channel: 'user:7', data: 'x' });
    await waitFor(() => client.events.length === 1, 'the event arrives');
    expect(gateway.stats().channels).toBe(1);
  });

  test('that supplies none to a client that names none is a 403', async () => {
    const gateway = await deciding({ allow: true });
    expect((await events(gateway, '')).status).toBe(403);
    expectNothingLeft(gateway);
  });

  test.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
  ] as const)('may deny with %d, which is final, and a reason', async (status, counted) => {
    const gateway = await deciding({ allow: false, status, reason: 'the trial is over' });
    const response = await events(gateway, 'channel=a');
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status, detail: 'the trial is over' });
    expect(gateway.stats().connections.rejected[counted]).toBe(1);
    expectNothingLeft(gateway);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('secret detail');
      },
    ],
    [
      'throws what is no Error',
      () => {
        throw null;
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret detail'))],
    [
      'throws while it allows',
      () => ({
        get allow() {
          throw new Error('secret detail');
        },
      }),
    ],
    ['answers nothing', () => undefined],
    ['answers null', () => null],
    ['answers true', () => true],
    ['answers an empty object', () => ({})],
    ['allows with text', () => ({ allow: 'false' })],
    ['allows with 1', () => ({ allow: 1 })],
    ['denies without a status', () => ({ allow: false })],
    ['denies with another status', () => ({ allow: false, status: 200 })],
    ['allows a pattern', () => ({ allow: true, channels: ['*'] })],
    ['allows a channel that is no text', () => ({ allow: true, channels: [7] })],
    ['allows too many channels', () => ({ allow: true, channels: ['a', 'b', 'c'] })],
    ['allows channels that are no list but an object', () => ({ allow: true, channels: { a: true } })],
    ['allows channels that are no list but text', () => ({ allow: true, channels: 'ab' })],
    ['allows channels that are no list but null', () => ({ allow: true, channels: null })],
    ['answers what has no JSON', () => ({ allow: 1n })],
  ])('that %s never opens a stream; the browser is told to come back', async (_, authorize) => {
    const gateway = await startGateway({ maxChannels: 2, authorize: authorize as Authorize });
    const client = await SseClient.request(`${gateway.url}/events?channel=asked`);
    await waitFor(() => client.ended || client.comments.includes('open'), 'the stream ends, or opens');
    expect(client.comments).not.toContain('open');
    expect(client.response.statusCode).toBe(200);
    expect(client.retry).toBeGreaterThanOrEqual(1_000);
    expect(client.comments.join()).not.toContain('secret detail');
    expect(gateway.stats().connections).toMatchObject({ opened: 0, rejected: { authorizer_failed: 1 } });
    expectNothingLeft(gateway);
  });

  test('that fails is logged', async () => {
    const logged: unknown[][] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (...line: unknown[]) => void logged.push(line) };
    const error = new Error('the session store is away');
    const gateway = await startGateway({ log, authorize: () => Promise.reject(error) });
    await (await events(gateway, 'channel=a')).text();
    expect(logged).toEqual([[{ err: error }, expect.stringContaining('authorizer failed')]]);
  });

  test('of one client does not hold up another', async () => {
    const gateway = await startGateway({
      authorize: ({ channels }) => (channels[0] === 'slow' ? new Promise(() => {}) : { allow: true }),
    });
    const socket = await RawSocket.connect(gateway.url);
    socket.send('GET /events?channel=slow HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const client = await SseClient.open(gateway.url, ['fast']);
    await post(gateway, { channel: 'fast', data: 'x' });
    await waitFor(() => client.events.length === 1, 'the event arrives');
    expect(socket.received).toBe('');
  });

  test.each([{ allow: true } as const, { allow: false, status: 403 } as const])(
    'fault: a client that leaves before it answers %j leaves nothing behind',
    async (decision) => {
      const decided = Promise.withResolvers<typeof decision>();
      let asked = 0;
      const gateway = await startGateway({
        maxConnections: 1,
        authorize: () => (asked++ === 0 ? decided.promise : { allow: true }),
      });
      const leaving = await RawSocket.connect(gateway.url);
      leaving.send('GET /events?channel=a HTTP/1.1\r\nhost: localhost\r\n\r\n');
      await waitFor(() => asked === 1, 'it is asked');
      leaving.close();
      await waitFor(() => leaving.closed, 'the client has left');
      decided.resolve(decision);
      // The one place is free again, so the next client gets it.
      const next = await retrying(`${gateway.url}/events?channel=b`);
      await waitFor(() => gateway.stats().channels === 1, 'only the channel of the next client is left');
      expect(gateway.stats().connections.open).toBe(1);
      next.close();
      await waitFor(() => gateway.stats().channels === 0, 'its channel is let go of');
      expectNothingLeft(gateway);
    },
  );

  test('fault: one that answers when the gateway is stopping opens nothing; the browser is told to come back', async () => {
    const decided = Promise.withResolvers<{ allow: true }>();
    let asked = false;
    const gateway = await startGateway({
      authorize: () => {
        asked = true;
        return decided.promise;
      },
    });
    const socket = await RawSocket.connect(gateway.url);
    socket.send('GET /events?channel=a HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await waitFor(() => asked, 'it is asked');
    const closing = gateway.close();
    decided.resolve({ allow: true });
    await closing;
    await waitFor(() => socket.closed, 'the connection ends');
    expect(socket.received).toMatch(/^HTTP\/1\.1 200 [\s\S]*\nretry: \d+\n/);
    expect(gateway.stats().connections.open).toBe(0);
  });
});

/** A stream, asked for until there is a place for it, as a browser would. */
async function retrying(url: string): Promise<SseClient> {
  let client: SseClient | undefined;
  await waitFor(async () => {
    const attempt = await SseClient.request(url);
    await waitFor(() => attempt.ended || attempt.comments.includes('open'), 'it opens or ends');
    if (attempt.comments.includes('open')) client = attempt;
    return client;
  }, 'there is a place');
  return client!;
}

describe('an embedded gateway', () => {
  test('tells where it listens', async () => {
    const gateway = await startGateway();
    expect(gateway.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    const ipv6 = await startGateway({ host: '::1' });
    expect(ipv6.url).toMatch(/^http:\/\/\[::1\]:[1-9]\d*$/);
    expect((await fetch(`${ipv6.url}/healthz`)).status).toBe(200);
  });

  test('takes settings as text, number and boolean, and does not read the environment', async () => {
    process.env.SSEMUX_MAX_CONNECTIONS = '5';
    onTestFinished(() => void delete process.env.SSEMUX_MAX_CONNECTIONS);
    const one = await startGateway({ maxConnections: '3', mode: 'per-connection', allowAnonymous: true });
    expect(one.stats()).toMatchObject({ mode: 'per-connection', connections: { max: 3 } });
    const other = await startGateway({ maxConnections: undefined });
    expect(other.stats().connections.max).toBeGreaterThan(5);
  });

  test('refuses an option that does not exist, with those that do', async () => {
    const creating = async () => createGateway({ port: 0, heartBeat: '1s' } as object);
    await expect(creating()).rejects.toThrow(ConfigError);
    await expect(creating()).rejects.toThrow(/unknown option "heartBeat"; the options are .*heartbeat/);
  });

  test.each(['__proto__', 'constructor'])('refuses the option %s', async (name) => {
    const options = JSON.parse(`{"port":0,"${name}":"x"}`);
    await expect((async () => createGateway(options))()).rejects.toThrow(`unknown option "${name}"`);
  });

  test('tells a wrong option by a rejected promise, not by throwing', async () => {
    let promise: unknown;
    expect(() => {
      promise = createGateway({ port: 'x' });
    }).not.toThrow();
    await expect(promise).rejects.toThrow(ConfigError);
  });

  test('refuses wrong values all together', async () => {
    const creating = async () => createGateway({ port: 70_000, heartbeat: 15, maxBuffer: true });
    await expect(creating()).rejects.toThrow(
      /--port .*"70000".*\n--heartbeat .*"15".*\n--max-buffer .*"true": must be a size/,
    );
  });

  test('refuses an address that others reach, unless something decides who may open what', async () => {
    await expect((async () => createGateway({ port: 0, host: '0.0.0.0' }))()).rejects.toThrow(ConfigError);
    const gateway = await startGateway({ host: '0.0.0.0', authorize: () => ({ allow: true }) });
    expect(gateway.stats().connections.open).toBe(0);
  });

  test('rejects when its port is taken, by another gateway or something else, and names it', async () => {
    const gateway = await startGateway();
    const foreign = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void foreign.close());
    await once(foreign, 'listening');
    for (const port of [Number(new URL(gateway.url).port), (foreign.address() as { port: number }).port]) {
      await expect(startGateway({ port })).rejects.toThrow(`127.0.0.1:${port}: the port is in use`);
    }
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  });

  test('stats are a copy: changing them changes nothing', async () => {
    const gateway = await startGateway();
    (gateway.stats().connections.closed as Record<string, number>).client_gone = 99;
    expect(gateway.stats().connections.closed.client_gone).toBe(0);
  });

  test('ends its streams with a retry when closed; closing again is harmless', async () => {
    const gateway = await startGateway();
    const client = await SseClient.open(gateway.url, ['a']);
    await Promise.all([gateway.close(), gateway.close()]);
    await gateway.close();
    await waitFor(() => client.ended, 'the stream ends');
    expect(client.response.complete).toBe(true);
    expect(client.retry).toBeGreaterThanOrEqual(1_000);
    expect(gateway.stats().connections).toMatchObject({ open: 0, closed: { shutdown: 1 } });
    await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow();
  });

  test('leaves its port free for the next one', async () => {
    const port = await freePort(); // for port 0 the system reserves the port while its old connections linger
    const first = await startGateway({ port });
    await SseClient.open(first.url, ['a']);
    await first.close();
    const second = await startGateway({ port });
    await SseClient.open(second.url, ['a']);
    expect(second.url).toBe(first.url);
  });

  test('two in one process have ports, streams, channels and memory brokers of their own', async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    expect(one.url).not.toBe(two.url);
    const clients = [await SseClient.open(one.url, ['a']), await SseClient.open(two.url, ['a'])];
    await post(one, { channel: 'a', data: 'one' });
    await post(two, { channel: 'a', data: 'two' });
    await waitFor(() => clients.every((client) => client.events.length > 0), 'the events arrive');
    expect(clients.map((client) => client.events.map(({ data }) => data))).toEqual([['one'], ['two']]);
    await one.close();
    await post(two, { channel: 'a', data: 'still' });
    await waitFor(() => clients[1]!.events.length === 2, 'the other one goes on');
    expect(two.stats().connections.open).toBe(1);
  });

  test.each(['dedup', 'per-connection'])(
    'in %s mode many streams opened, left and broken off leave nothing behind',
    async (mode) => {
      const gateway = await startGateway({ mode });
      const ROUNDS = 10;
      const WIDTH = 30;
      for (let round = 0; round < ROUNDS; round++) {
        const leaving = Promise.all(
          Array.from({ length: WIDTH }, (_, i) => SseClient.open(gateway.url, [`a:${i % 7}`, `b:${i}`])),
        );
        // Some give up before they are served, at about every point of being opened.
        const impatient = await Promise.all(
          Array.from({ length: WIDTH }, () => RawSocket.connect(gateway.url)),
        );
        for (const [i, socket] of impatient.entries()) {
          socket.send(`GET /events?channel=a:${i % 7}&channel=c:${i} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
          setImmediate(() => socket.close());
        }
        for (const client of await leaving) client.close();
      }
      await waitFor(() => {
        const { channels, connections } = gateway.stats();
        return connections.open === 0 && channels === 0;
      }, 'all is let go of');
      expectNothingLeft(gateway);
      const { opened, closed } = gateway.stats().connections;
      expect(opened).toBeGreaterThanOrEqual(ROUNDS * WIDTH);
      expect(closed.client_gone).toBe(opened);
    },
  );
});
