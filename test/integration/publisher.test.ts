import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Gateway } from '../../src/gateway.ts';
import { Publisher } from '../../src/publisher/index.ts';
import { startGateway } from '../support/gateway.ts';
import { SseClient } from '../support/sse-client.ts';
import { freePort, ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

let valkey: ValkeyServer;
beforeAll(async () => {
  valkey = await ValkeyServer.start();
});
afterAll(() => valkey.stop());

/** A gateway at that Valkey that is ready for streams. */
async function gatewayThere(): Promise<Gateway> {
  const gateway = await startGateway({ valkeyUrl: valkey.url });
  await waitFor(async () => (await fetch(`${gateway.url}/readyz`)).status === 200, 'it is ready');
  return gateway;
}

function byUrl(url = valkey.url): Publisher {
  const publisher = new Publisher({ url });
  onTestFinished(() => publisher.close().catch(() => {}));
  return publisher;
}

function byClient(): Publisher {
  const client = valkey.client();
  onTestFinished(() => client.disconnect());
  return new Publisher({ client });
}

describe.each([
  ['of a URL', () => byUrl()],
  ['of a client', byClient],
])('a publisher %s', (_, create) => {
  test('publishes events that reach browsers, in order', async () => {
    const gateway = await gatewayThere();
    const client = await SseClient.open(gateway.url, ['order:1', 'task:7']);
    const publisher = create();
    const receivers = [
      await publisher.publish('order:1', { event: 'status', data: '<b>Shipped</b>', id: 7, retry: 4000 }),
      await publisher.publish('order:1', { data: { json: true } }),
      await publisher.progress('7', 40.5, '<p>busy</p>'),
      await publisher.complete('7', '<p>done</p>'),
      await publisher.publish('order:nobody', { data: '' }),
    ];
    expect(receivers).toEqual([1, 1, 1, 1, 0]);
    await waitFor(() => client.events.length >= 4, 'the events arrive');
    expect(client.events).toEqual([
      { event: 'status', data: '<b>Shipped</b>', id: '7' },
      { event: 'update', data: '{"json":true}', id: undefined },
      { event: 'progress', data: '<progress max="100" value="40.5"></progress><p>busy</p>', id: undefined },
      { event: 'complete', data: '<p>done</p>', id: undefined },
    ]);
    expect(client.retry).toBe(4000);
  });

  test.each([
    ['a channel with a space', 'a b', { data: '' }, /^channel "a b" must not contain spaces/],
    ['an empty channel', '', { data: '' }, /^channel "" must not be empty/],
    ['a pattern', 'order:*', { data: '' }, /patterns/],
    [
      'an event name of two lines',
      'a',
      { event: 'x\ndata: forged', data: '' },
      /^event must be text without CR/,
    ],
    ['an id of two lines', 'a', { id: '1\rdata: forged', data: '' }, /^id must be text without CR/],
    ['a retry that is not whole', 'a', { retry: 0.5, data: '' }, /^retry must be a whole number/],
  ])('%s is a TypeError, and nothing is published', async (_, channel, event, message) => {
    const listener = valkey.client();
    onTestFinished(() => listener.disconnect());
    const heard: string[] = [];
    listener.on('pmessage', (_pattern, channel) => heard.push(channel));
    await listener.psubscribe('*');
    const publisher = create();
    const publishing = publisher.publish(channel, event);
    await expect(publishing).rejects.toThrow(TypeError);
    await expect(publishing).rejects.toThrow(message);
    await publisher.publish('last', { data: '' });
    await waitFor(() => heard.includes('last'), 'what is right arrives');
    expect(heard).toEqual(['last']);
  });

  test.each([-1, 100.1, Number.NaN, Number.POSITIVE_INFINITY])(
    'a progress of %d is a TypeError',
    async (percent) => {
      await expect(create().progress('7', percent, '')).rejects.toThrow(TypeError);
    },
  );
});

test('what is published in one turn travels in a few packets, in order', async () => {
  const EVENTS = 2_000;
  const gateway = await gatewayThere();
  const client = await SseClient.open(gateway.url, ['a']);
  const observer = valkey.client();
  onTestFinished(() => observer.disconnect());
  const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await observer.info('stats'))![1]);
  const publisher = byUrl();
  await publisher.publish('warm', { data: '' });

  const before = await reads();
  await Promise.all(Array.from({ length: EVENTS }, (_, i) => publisher.publish('a', { data: i })));
  expect(await reads()).toBeLessThan(before + EVENTS / 10);

  await waitFor(() => client.events.length >= EVENTS, 'all arrive');
  expect(client.events.map(({ data }) => Number(data))).toEqual(Array.from({ length: EVENTS }, (_, i) => i));
});

test('close leaves the client of the caller open', async () => {
  const client = valkey.client();
  onTestFinished(() => client.disconnect());
  const publisher = new Publisher({ client });
  await publisher.publish('a', { data: '' });
  await publisher.close();
  expect(client.status).toBe('ready');
  expect(await client.ping()).toBe('PONG');
});

test('close ends the connection of its own', async () => {
  const observer = valkey.client();
  onTestFinished(() => observer.disconnect());
  const connected = async () => String(await observer.client('LIST')).includes('name=ssemux-publisher');
  await waitFor(async () => !(await connected()), 'those of other tests are gone');
  const publisher = byUrl();
  await publisher.publish('a', { data: '' });
  expect(await connected()).toBe(true);
  await publisher.close();
  await waitFor(async () => !(await connected()), 'its connection is gone');
  await expect(publisher.publish('a', { data: '' })).rejects.toThrow();
});

test.each(['before it is connected', 'once it is connected'])(
  'close comes after what was published before: %s',
  async (when) => {
    const publisher = byUrl();
    if (when === 'once it is connected') await publisher.publish('a', { data: '' });
    const publishing = publisher.publish('a', { data: '' });
    const closing = publisher.close();
    await expect(publishing).resolves.toBe(0);
    await closing;
  },
);

test('fault: the connection is lost before the answer, and the message arrives at most once', async () => {
  const listener = valkey.client();
  onTestFinished(() => listener.disconnect());
  const heard: string[] = [];
  listener.on('message', (_channel, payload) => heard.push(JSON.parse(payload).data));
  await listener.subscribe('a');
  // Between publisher and Valkey: swallows the first answer to PUBLISH and cuts the connection.
  let cut = false;
  const proxy = createServer((near) => {
    const far = connect(valkey.port, '127.0.0.1');
    let published = false;
    near.on('data', (bytes) => {
      published ||= bytes.toString('latin1').toLowerCase().includes('publish\r\n');
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (!published || cut) return near.write(bytes);
      cut = true;
      return near.destroy();
    });
    for (const socket of [near, far]) socket.on('error', () => {});
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void proxy.close());
  await once(proxy, 'listening');
  const { port } = proxy.address() as { port: number };

  const publisher = byUrl(`valkey://127.0.0.1:${port}`);
  await publisher.publish('a', { data: 'first' }).catch(() => {});
  expect(cut).toBe(true);
  await publisher.publish('a', { data: 'second' });
  await waitFor(() => heard.includes('second'), 'the second one arrives');
  expect(heard).toEqual(['first', 'second']);
});

test.each(['http://localhost', 'localhost:6379', ''])('the URL "%s" is refused at once', (url) => {
  expect(() => new Publisher({ url })).toThrow(/valkey/);
});

test('a process whose publisher is closed while Valkey is away ends', async () => {
  const url = `valkey://127.0.0.1:${await freePort()}`;
  const script = `
    import { Publisher } from './src/publisher/index.ts';
    const publisher = new Publisher({ url: '${url}' });
    publisher.publish('a', { data: '' }).catch(() => console.log('publish failed'));
    setImmediate(async () => {
      await publisher.close().catch(() => {});
      console.log('closed');
    });`;
  expect((await runScript(script)).trim().split('\n').sort()).toEqual(['closed', 'publish failed']);
});

describe('the built package', () => {
  beforeAll(async () => {
    await node('scripts/build.ts');
  }, 60_000);

  test('is imported by its name, gateway and publisher, and works', async () => {
    const script = `
      import { createGateway, ConfigError } from 'ssemux';
      import { Publisher } from 'ssemux/publisher';
      const gateway = await createGateway({ port: 0, logLevel: 'silent' });
      const health = await fetch(gateway.url + '/healthz');
      const page = await fetch(gateway.url + '/');
      await gateway.close();
      const publisher = new Publisher({ url: '${valkey.url}' });
      const receivers = await publisher.publish('order:nobody', { data: 'x' });
      await publisher.close();
      console.log(health.status, page.status, receivers, typeof ConfigError);`;
    expect(await runScript(script)).toBe('200 200 0 function\n');
  });

  test('has a command line program', async () => {
    expect(await node('dist/main.js', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each(['index', 'publisher/index'])('has types for %s', (entry) => {
    expect(existsSync(join(ROOT, `dist/${entry}.d.ts`))).toBe(true);
  });
});

const ROOT = join(import.meta.dirname, '../..');

/** Runs Node in the root of the repository and returns what it prints; rejects if it fails or does not end. */
async function node(...args: string[]): Promise<string> {
  const options = { cwd: ROOT, timeout: 20_000, killSignal: 'SIGKILL' } as const;
  const quiet = '--disable-warning=ExperimentalWarning';
  return (await promisify(execFile)(process.execPath, [quiet, ...args], options)).stdout;
}

function runScript(script: string): Promise<string> {
  return node('--input-type=module', '--eval', script);
}
