import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { post, startGateway } from '../support/gateway.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { SseClient } from '../support/sse-client.ts';
import { freePort, ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
};

/** Expects problem details as RFC 9457 has them. */
async function expectProblem(response: Response, status: number, field?: string): Promise<string> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = (await response.json()) as { detail: string };
  expect(body).toEqual({
    type: 'about:blank',
    title: response.statusText,
    status,
    detail: expect.stringMatching(/.+/),
    ...(field !== undefined && { field }),
  });
  return body.detail;
}

const event = (data: string, name = 'update') => ({ event: name, data, id: undefined });

describe('GET /events', () => {
  test('a stream has the headers that keep caches, transformers and proxies off it', async () => {
    const gateway = await startGateway();
    const { response } = await SseClient.open(gateway.url, ['order:1']);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject(STREAM_HEADERS);
    expect(response.headers).not.toHaveProperty('content-length');
    expect(response.headers).not.toHaveProperty('content-encoding');
  });

  test('the first bytes are a comment, sent at once', async () => {
    const gateway = await startGateway();
    const response = await fetch(`${gateway.url}/events?channel=order:1`);
    const { value } = await response.body!.getReader().read();
    expect(Buffer.from(value!).toString()).toBe(': open\n\n');
  });

  test('a repeated channel parameter makes one stream of several channels', async () => {
    const gateway = await startGateway();
    const client = await SseClient.open(gateway.url, ['order:1', 'user:2:inbox']);
    await post(gateway, { channel: 'order:1', data: 'one' });
    await post(gateway, { channel: 'user:2:inbox', data: 'two' });
    await post(gateway, { channel: 'order:other', data: 'not for it' });
    await post(gateway, { channel: 'order:1', data: 'three' });
    await waitFor(() => client.events.length >= 3, 'the events arrive');
    expect(client.events).toEqual([event('one'), event('two'), event('three')]);
  });

  test('a channel named twice counts once and is delivered once', async () => {
    const gateway = await startGateway({ maxChannels: 2 });
    const client = await SseClient.open(gateway.url, ['a', 'b', 'a', 'a']);
    expect(gateway.stats()).toMatchObject({ channels: 2, subscriptions: 2 });
    await post(gateway, { channel: 'a', data: 'once' });
    await post(gateway, { channel: 'b', data: 'last' });
    await waitFor(() => client.events.some(({ data }) => data === 'last'), 'the last event arrives');
    expect(client.events).toEqual([event('once'), event('last')]);
  });

  test('a plus is a space, and percent-encoded UTF-8 is decoded', async () => {
    const gateway = await startGateway();
    const response = await fetch(`${gateway.url}/events?channel=a+b`);
    expect(await expectProblem(response, 400, 'channel')).toContain('"a b"');
    const client = await SseClient.open(gateway.url, ['größe:日本']);
    await post(gateway, { channel: 'größe:日本', data: 'hi' });
    await waitFor(() => client.events.length === 1, 'the event arrives');
  });

  test('an equals sign inside a channel is part of its name', async () => {
    const gateway = await startGateway();
    const client = await SseClient.request(`${gateway.url}/events?channel=key:YQ==`);
    await waitFor(() => client.comments.includes('open'), 'the stream is open');
    expect(await (await post(gateway, { channel: 'key:YQ==' })).json()).toEqual({ receivers: 1 });
  });

  test.each([
    ['no channel', '', /at least one channel/],
    ['another parameter only', 'chanel=a', /at least one channel/],
    ['an empty name', 'channel=', /not be empty/],
    ['a parameter without a value', 'channel', /not be empty/],
    ['one empty name among good ones', 'channel=a&channel=', /not be empty/],
    ['more channels than allowed', 'channel=a&channel=b&channel=c', /at most 2 .* not 3/],
    ['CR and LF', 'channel=a%0d%0ab', /control characters/],
    ['NUL', 'channel=a%00b', /control characters/],
    ['DEL', 'channel=a%7f', /control characters/],
    ['a line separator', 'channel=a%E2%80%A8b', /control characters/],
    ['bad percent-encoding', 'channel=%zz', /"%zz" is not percent-encoded/],
    ['bytes that are not UTF-8', 'channel=%ff', /"%ff" is not percent-encoded/],
    ['a pattern', 'channel=order:*', /patterns are not supported/],
    ['a name over 256 bytes', `channel=${'a'.repeat(257)}`, /longer than 256 bytes/],
  ])('%s is a 400 that says so, and nothing is subscribed', async (_, query, detail) => {
    const gateway = await startGateway({ maxChannels: 2 });
    const response = await fetch(`${gateway.url}/events?${query}`);
    expect(await expectProblem(response, 400, 'channel')).toMatch(detail);
    const { channels, connections } = gateway.stats();
    expect({ channels, opened: connections.opened }).toEqual({ channels: 0, opened: 0 });
    expect(connections.rejected.bad_request).toBe(1);
  });

  test('the longest name there may be, and the largest number of channels, are fine', async () => {
    const gateway = await startGateway({ maxChannels: 2 });
    await SseClient.open(gateway.url, ['a'.repeat(256), 'b']);
    expect(gateway.stats().channels).toBe(2);
  });

  test.each(['text/html', 'application/json, text/plain', 'text/event-stream;q=0'])(
    'Accept: %s is a 406',
    async (accept) => {
      const gateway = await startGateway();
      const response = await fetch(`${gateway.url}/events?channel=a`, { headers: { accept } });
      await expectProblem(response, 406, 'Accept');
      expect(gateway.stats().connections).toMatchObject({ opened: 0, rejected: { not_acceptable: 1 } });
    },
  );

  test.each(['text/event-stream', '*/*', 'text/*', 'text/html, text/event-stream;q=0.1'])(
    'Accept: %s opens a stream',
    async (accept) => {
      const gateway = await startGateway();
      await SseClient.open(gateway.url, ['a'], { headers: { accept } });
      expect(gateway.stats().connections.open).toBe(1);
    },
  );

  test('HEAD gets the head of a stream and opens none', async () => {
    const gateway = await startGateway();
    const response = await fetch(`${gateway.url}/events?channel=a`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject(STREAM_HEADERS);
    expect(gateway.stats()).toMatchObject({ channels: 0, connections: { open: 0, opened: 0 } });
    expect((await fetch(`${gateway.url}/events`, { method: 'HEAD' })).status).toBe(400);
  });

  test('a silent stream gets heartbeats', async () => {
    const gateway = await startGateway({ heartbeat: '1s' });
    const client = await SseClient.open(gateway.url, ['a']);
    await waitFor(() => client.comments.length >= 3, 'two heartbeats arrive');
    expect(client.comments).toEqual(['open', ...client.comments.slice(1).map(() => '')]);
    expect(client.events).toEqual([]);
  });

  test('a stream at the end of its lifetime tells the browser when to come back', async () => {
    const gateway = await startGateway({ maxLifetime: '1s', heartbeat: '1h' });
    const client = await SseClient.open(gateway.url, ['a']);
    await waitFor(() => client.ended, 'the stream ends');
    expect(client.retry).toBeGreaterThanOrEqual(1_000);
    expect(client.response.complete).toBe(true);
    expect(gateway.stats().connections).toMatchObject({ open: 0, closed: { max_lifetime: 1 } });
  });

  test('over capacity a stream is asked to come back, and those there are go on', async () => {
    const gateway = await startGateway({ maxConnections: 1 });
    const first = await SseClient.open(gateway.url, ['a']);
    const second = await SseClient.request(`${gateway.url}/events?channel=a`);
    await waitFor(() => second.ended, 'the second one ends');
    expect(second.response.statusCode).toBe(200);
    expect(second.response.headers).toMatchObject(STREAM_HEADERS);
    expect(second.retry).toBeGreaterThanOrEqual(1_000);
    expect(second.comments).not.toContain('open');

    await post(gateway, { channel: 'a', data: 'still here' });
    await waitFor(() => first.events.length === 1, 'the first one gets the event');
    expect(gateway.stats().connections).toMatchObject({ open: 1, opened: 1, rejected: { over_capacity: 1 } });

    first.close();
    await waitFor(() => gateway.stats().connections.open === 0, 'the place is free');
    const third = await SseClient.open(gateway.url, ['a']);
    expect(third.ended).toBe(false);
  });

  test('while the broker is away a stream is asked to come back', async () => {
    const gateway = await startGateway({ valkeyUrl: `valkey://127.0.0.1:${await freePort()}` });
    const client = await SseClient.request(`${gateway.url}/events?channel=a`);
    await waitFor(() => client.ended, 'it ends');
    expect(client.response.statusCode).toBe(200);
    expect(client.retry).toBeGreaterThanOrEqual(1_000);
    expect(gateway.stats().connections).toMatchObject({ opened: 0, rejected: { broker_unavailable: 1 } });
  });
});

describe('routes', () => {
  test.each([
    ['/', 'GET, HEAD, OPTIONS'],
    ['/events', 'GET, HEAD, OPTIONS'],
    ['/publish', 'POST, OPTIONS'],
    ['/healthz', 'GET, HEAD, OPTIONS'],
    ['/readyz', 'GET, HEAD, OPTIONS'],
    ['/stats', 'GET, HEAD, OPTIONS'],
  ])('%s allows %s, and any other method is a 405', async (path, allow) => {
    const gateway = await startGateway();
    const options = await fetch(gateway.url + path, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, allow]);
    for (const method of ['PUT', 'DELETE', 'PATCH', allow.includes('GET') ? 'POST' : 'GET']) {
      const response = await fetch(gateway.url + path, { method });
      expect(response.headers.get('allow')).toBe(allow);
      expect(await expectProblem(response, 405, 'method')).toContain(allow);
    }
  });

  test.each(['/nowhere', '/events/', '/events/order:1', '/EVENTS', '/stats%2f'])(
    'there is nothing at %s',
    async (path) => {
      const gateway = await startGateway();
      expect(await expectProblem(await fetch(gateway.url + path), 404)).toContain(path.split('/').pop());
    },
  );

  test('the page is HTML that may load nothing from elsewhere', async () => {
    const gateway = await startGateway();
    const response = await fetch(`${gateway.url}/`);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'.*connect-src 'self'/,
    );
    expect(await response.text()).toContain('<!doctype html>');
  });

  test('prototype names as path, method, header, parameter, channel or field are names like any other', async () => {
    const gateway = await startGateway();
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect((await fetch(`${gateway.url}/${name}`)).status).toBe(404);

      const socket = await RawSocket.connect(gateway.url);
      socket.send(`${name} /events?channel=a HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      await waitFor(() => socket.received.includes('\r\n\r\n'), 'an answer');
      expect(socket.received).toMatch(/^HTTP\/1\.1 405 /);

      const field = await post(gateway, `{"channel":"a","${name}":{"polluted":true}}`);
      expect(await expectProblem(field, 400, name)).toContain('unknown field');

      const client = await SseClient.request(
        `${gateway.url}/events?${name}=1&channel=${name}&${name}[polluted]=1`,
        { headers: { [name]: 'polluted', cookie: `${name}=polluted` } },
      );
      await waitFor(() => client.comments.includes('open'), 'the stream is open');
      await post(gateway, { channel: name, event_type: name, data: name });
      await waitFor(() => client.events.length === 1, 'the event arrives');
      expect(client.events).toEqual([event(name, name)]);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(gateway.stats().channels).toBe(4);
  });
});

describe('POST /publish', () => {
  test('answers how many subscribers the broker handed the message to', async () => {
    const gateway = await startGateway();
    expect(await (await post(gateway, { channel: 'a' })).json()).toEqual({ receivers: 0 });
    await SseClient.open(gateway.url, ['a', 'b']);
    await SseClient.open(gateway.url, ['a']);
    const response = await post(gateway, { channel: 'a' });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ receivers: 1 }); // one gateway, not two streams
  });

  test('several channels get the event each, and their receivers are summed', async () => {
    const gateway = await startGateway();
    const one = await SseClient.open(gateway.url, ['a']);
    const two = await SseClient.open(gateway.url, ['b']);
    const response = await post(gateway, { channels: ['a', 'b', 'nobody'], event_type: 'x', data: 'y' });
    expect(await response.json()).toEqual({ receivers: 2 });
    await waitFor(() => one.events.length + two.events.length === 2, 'both get it');
    expect([one.events, two.events]).toEqual([[event('y', 'x')], [event('y', 'x')]]);
  });

  test('every field of the envelope reaches the page', async () => {
    const gateway = await startGateway();
    const client = await SseClient.open(gateway.url, ['a']);
    await post(gateway, { channel: 'a', event_type: 'status', data: { ok: [1] }, id: 42, retry: 5000 });
    await post(gateway, { channel: 'a', event_type: null, data: null, id: null, retry: null });
    await post(gateway, { channel: 'a' });
    await waitFor(() => client.events.length === 3, 'the events arrive');
    expect(client.events).toEqual([
      { event: 'status', data: '{"ok":[1]}', id: '42' },
      event('null'),
      event(''),
    ]);
    expect(client.retry).toBe(5000);
  });

  test.each([
    ['text that is not JSON', '{"channel":', 'body', /must be JSON/],
    ['nothing', '', 'body', /must be JSON/],
    ['a list', [], 'body', /must be a JSON object/],
    ['null', 'null', 'body', /must be a JSON object/],
    ['an unknown field', { channel: 'a', event: 'x' }, 'event', /the fields are channel, .*event_type/],
    ['no channel', { data: 'x' }, 'channel', /either "channel".* or "channels"/],
    ['channel and channels', { channel: 'a', channels: ['b'] }, 'channel', /either/],
    ['a channel that is no string', { channel: 7 }, 'channel', /7 must be a string/],
    ['an empty channel', { channel: '' }, 'channel', /not be empty/],
    ['a channel with LF', { channel: 'a\nb' }, 'channel', /control characters/],
    ['a lone surrogate', '{"channel":"\\ud800"}', 'channel', /well-formed/],
    ['a pattern', { channel: 'a*' }, 'channel', /patterns/],
    ['channels that are no list', { channels: 'ab' }, 'channels', /list of 1 to 2/],
    ['no channels', { channels: [] }, 'channels', /list of 1 to 2/],
    ['too many channels', { channels: ['a', 'b', 'c'] }, 'channels', /list of 1 to 2/],
    ['one bad channel of two', { channels: ['a', 'b c'] }, 'channels', /"b c"/],
    ['an event_type that is no text', { channel: 'a', event_type: 1 }, 'event_type', /^1: must be text/],
    ['an id that is neither', { channel: 'a', id: true }, 'id', /^true: must be/],
    ['a negative retry', { channel: 'a', retry: -1 }, 'retry', /^-1: must be a whole number/],
    ['a retry with a fraction', { channel: 'a', retry: 1.5 }, 'retry', /^1\.5: must/],
    ['a retry that is text', { channel: 'a', retry: '5' }, 'retry', /^"5": must/],
  ])('%s is a 400 that names the field, and nothing is published', async (_, body, field, detail) => {
    const gateway = await startGateway({ maxChannels: 2 });
    await SseClient.open(gateway.url, ['a']);
    expect(await expectProblem(await post(gateway, body), 400, field)).toMatch(detail);
    expect(gateway.stats().messages.in).toBe(0);
  });

  test.each([
    ['no Authorization', {}],
    ['a wrong key', { authorization: 'Bearer wrong-key' }],
    ['the key with more behind it', { authorization: 'Bearer right-key-x' }],
    ['a part of the key', { authorization: 'Bearer right-ke' }],
    ['no key', { authorization: 'Bearer' }],
    ['another scheme', { authorization: 'Basic right-key' }],
    ['the bare key', { authorization: 'right-key' }],
  ])('with a publish key, %s is a 401 with a challenge', async (_, headers: Record<string, string>) => {
    const gateway = await startGateway({ publishKey: 'right-key' });
    const response = await post(gateway, { channel: 'a' }, headers);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await expectProblem(response, 401, 'Authorization')).not.toContain('right-key');
  });

  test.each(['Bearer right-key', 'bearer right-key'])(
    'with a publish key, "%s" may',
    async (authorization) => {
      const gateway = await startGateway({ publishKey: 'right-key' });
      expect((await post(gateway, { channel: 'a' }, { authorization })).status).toBe(200);
    },
  );

  test.each([
    ['text/plain', 'text/plain'],
    ['a form, as another site could send', 'application/x-www-form-urlencoded'],
    ['something like JSON', 'application/json-seq'],
    ['none', ''],
  ])('content type %s is a 415', async (_, type) => {
    const gateway = await startGateway();
    await expectProblem(await post(gateway, { channel: 'a' }, { 'content-type': type }), 415, 'Content-Type');
  });

  test('content types may have parameters and capitals', async () => {
    const gateway = await startGateway();
    const type = 'Application/JSON; charset=utf-8';
    expect((await post(gateway, { channel: 'a' }, { 'content-type': type })).status).toBe(200);
  });

  test('a body over the limit by its content-length is a 413, one at the limit is fine', async () => {
    const gateway = await startGateway({ maxBody: '1KiB' });
    const body = (bytes: number) => JSON.stringify({ channel: 'a' }).padEnd(bytes);
    expect((await post(gateway, body(1024))).status).toBe(200);
    expect(await expectProblem(await post(gateway, body(1025)), 413, 'body')).toContain('1024 bytes');
  });

  test('a chunked body over the limit is a 413 before it has ended', async () => {
    const gateway = await startGateway({ maxBody: '1KiB' });
    const posting = request(`${gateway.url}/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
    });
    onTestFinished(() => {
      posting.destroy();
    });
    posting.on('error', () => {});
    let status: number | undefined;
    posting.on('response', (response) => {
      status = response.statusCode;
    });
    for (let i = 0; i < 5; i++) posting.write(' '.repeat(300)); // and no end
    await waitFor(() => status !== undefined, 'an answer');
    expect(status).toBe(413);
  });

  test('a chunked body within the limit is read to its end', async () => {
    const gateway = await startGateway();
    await SseClient.open(gateway.url, ['a']);
    const socket = await RawSocket.connect(gateway.url);
    socket.send('POST /publish HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n');
    socket.send('transfer-encoding: chunked\r\n\r\n');
    for (const chunk of ['{"channel"', ':"a","data":', '"x"}']) {
      socket.send(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    }
    socket.send('0\r\n\r\n');
    await waitFor(() => socket.received.endsWith('}\n'), 'the answer');
    expect(socket.received).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"receivers":1\}\n$/);
  });
});

describe('GET /healthz, /readyz, /stats', () => {
  test('healthz and readyz are 200 while all is well', async () => {
    const gateway = await startGateway();
    for (const path of ['/healthz', '/readyz']) {
      const response = await fetch(gateway.url + path);
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
    }
  });

  test('while the broker is away readyz is 503, healthz is 200 and publishing a 503 with Retry-After', async () => {
    const gateway = await startGateway({ valkeyUrl: `valkey://127.0.0.1:${await freePort()}` });
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    const response = await post(gateway, { channel: 'a' });
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    await expectProblem(response, 503);
  });

  test('stats tell what runs, and are what the embedder reads', async () => {
    const gateway = await startGateway({ maxConnections: 7 });
    const response = await fetch(`${gateway.url}/stats`);
    expect(response.headers.get('content-type')).toBe('application/json');
    const told = (await response.json()) as ReturnType<typeof gateway.stats>;
    expect(told).toMatchObject({
      version: manifest.version,
      pid: process.pid,
      mode: 'dedup',
      connections: { open: 0, max: 7, congested: 0, buffered_bytes: 0, opened: 0 },
      messages: { in: 0, out: 0 },
      broker: { type: 'memory', state: 'connected', reconnects: 0 },
    });
    expect(told.memory.rss_bytes).toBeGreaterThan(1_000_000);
    const { memory: _, uptime_seconds: __, ...embedded } = gateway.stats();
    expect(told).toMatchObject(embedded);
  });

  test('counts go up with streams and events, and back to zero when the clients have left', async () => {
    const gateway = await startGateway();
    const clients = [
      await SseClient.open(gateway.url, ['a', 'b']),
      await SseClient.open(gateway.url, ['a']),
      await SseClient.open(gateway.url, ['c']),
    ];
    expect(gateway.stats()).toMatchObject({
      channels: 3,
      subscriptions: 3,
      connections: { open: 3, opened: 3 },
    });

    await post(gateway, { channel: 'a' });
    await post(gateway, { channel: 'nobody' });
    await waitFor(() => gateway.stats().messages.out === 2, 'both streams got it');
    expect(gateway.stats().messages.in).toBe(1);

    clients[0]!.close();
    await waitFor(() => gateway.stats().channels === 2, 'only b is let go of');
    for (const client of clients) client.close();
    await waitFor(() => gateway.stats().channels === 0, 'all channels are let go of');
    expect(gateway.stats()).toMatchObject({
      subscriptions: 0,
      connections: { open: 0, opened: 3, closed: { client_gone: 3 } },
    });
    expect(await (await post(gateway, { channel: 'a' })).json()).toEqual({ receivers: 0 });
  });

  test('a channel lingers after its last stream and is taken up again without a new subscription', async () => {
    const gateway = await startGateway({ linger: '1h' });
    const client = await SseClient.open(gateway.url, ['a']);
    client.close();
    await waitFor(() => gateway.stats().connections.open === 0, 'the client has left');
    expect(gateway.stats().channels).toBe(1);
    await SseClient.open(gateway.url, ['a']);
    expect(gateway.stats()).toMatchObject({ channels: 1, subscriptions: 1 });
  });

  test('closes are counted by reason', async () => {
    const gateway = await startGateway();
    const leaving = await SseClient.open(gateway.url, ['a']);
    const staying = await SseClient.open(gateway.url, ['a']);
    leaving.close();
    await waitFor(() => gateway.stats().connections.closed.client_gone === 1, 'it is counted');
    await gateway.close();
    await waitFor(() => staying.ended, 'the other one ends');
    expect(staying.retry).toBeGreaterThanOrEqual(1_000);
    expect(gateway.stats().connections.closed).toEqual({
      client_gone: 1,
      slow_consumer: 0,
      max_lifetime: 0,
      shutdown: 1,
      revoked: 0,
      internal_error: 0,
    });
  });
});

describe('attacks', () => {
  const refused = /^HTTP\/1\.1 (400|431|505) /;
  test.each([
    ['bytes that are not HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', refused],
    ['words that are not HTTP', 'hello there, gateway\r\n\r\n', refused],
    [
      'a header of 100 kB',
      `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`,
      refused,
    ],
    ['a target of 100 kB', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`, refused],
    [
      'request smuggling by two lengths',
      'POST /publish HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      refused,
    ],
    ['a negative length', 'POST /publish HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n', refused],
    ['half a request line', 'GET /eve', undefined],
    ['half a head', 'GET /events?channel=a HTTP/1.1\r\nhost: localhost\r\nx-slow:', undefined],
    [
      'half a body',
      'POST /publish HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"chan',
      undefined,
    ],
    [
      'a request behind the request for a stream',
      'GET /events?channel=a HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n',
      undefined,
    ],
  ])('%s harms nobody else', async (_, attack, answer) => {
    const gateway = await startGateway();
    const client = await SseClient.open(gateway.url, ['a']);
    const attackers = await Promise.all(Array.from({ length: 5 }, () => RawSocket.connect(gateway.url)));
    for (const attacker of attackers) attacker.send(attack);
    if (answer !== undefined) {
      await waitFor(() => attackers.every(({ closed }) => closed), 'all are refused');
      for (const { received } of attackers) expect(received).toMatch(answer);
    }

    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    expect((await post(gateway, { channel: 'a', data: 'fine' })).status).toBe(200);
    const newcomer = await SseClient.open(gateway.url, ['a']);
    await post(gateway, { channel: 'a', data: 'still fine' });
    await waitFor(() => newcomer.events.length === 1 && client.events.length === 2, 'streams receive');

    for (const attacker of attackers) attacker.close();
    await waitFor(() => gateway.stats().connections.open === 2, 'only the two streams are left');
  });

  test('publishers that leave in the middle of their body do not hold up the stop', async () => {
    const startPublishing = async (gateway: { url: string }) => {
      const socket = await RawSocket.connect(gateway.url);
      socket.send('POST /publish HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n');
      socket.send('content-type: application/json\r\ncontent-length: 99\r\n\r\n{"chan');
      await waitFor(() => socket.received.includes(' 100 '), 'the request has arrived');
      return socket;
    };
    const left = await startGateway();
    const leaving = await startPublishing(left);
    const witness = await SseClient.open(left.url, ['a']);
    leaving.close();
    witness.close();
    await waitFor(() => left.stats().connections.open === 0, 'their leaving was noticed');
    const busy = await startGateway();
    await startPublishing(busy);

    // The busy one waits for its request and begins first; so the other one is done earlier only if it waits for nothing.
    const order: string[] = [];
    const closingBusy = busy.close().then(() => order.push('busy'));
    for (let i = 0; i < 20; i++) (await SseClient.open(left.url, ['a'])).close();
    await Promise.all([closingBusy, left.close().then(() => order.push('left'))]);
    expect(order).toEqual(['left', 'busy']);
  });

  test.each([
    ['event_type', 'CR', 'x\rdata: forged'],
    ['event_type', 'LF', 'x\n\nevent: forged'],
    ['event_type', 'NUL', 'x\0'],
    ['id', 'CR', '1\rdata: forged'],
    ['id', 'LF', '1\n\nevent: forged'],
    ['id', 'NUL', '1\0'],
  ])('event injection: %s with %s by POST is a 400', async (field, _, value) => {
    const gateway = await startGateway();
    const client = await SseClient.open(gateway.url, ['a']);
    await expectProblem(await post(gateway, { channel: 'a', [field]: value, data: 'x' }), 400, field);
    await post(gateway, { channel: 'a', data: 'last' });
    await waitFor(() => client.events.length > 0, 'the next event arrives');
    expect(client.events).toEqual([event('last')]);
  });

  test('event injection: data that looks like events stays data', async () => {
    const gateway = await startGateway();
    const client = await SseClient.open(gateway.url, ['a']);
    const data = 'x\n\nevent: forged\r\ndata: y\r\n\r\nid: 7\rretry: 1\r\r: comment\n';
    await post(gateway, { channel: 'a', data });
    await post(gateway, { channel: 'a', data: 'last' });
    await waitFor(() => client.events.some((one) => one.data === 'last'), 'the last event arrives');
    expect(client.events).toEqual([event(data.replace(/\r\n?/g, '\n')), event('last')]);
    expect([client.retry, client.comments]).toEqual([undefined, ['open']]);
  });

  test('event injection: a forged payload straight through Valkey is dropped and counted', async () => {
    const valkey = await ValkeyServer.start();
    onTestFinished(() => valkey.stop());
    const publisher = valkey.client();
    onTestFinished(() => publisher.disconnect());
    const gateway = await startGateway({ valkeyUrl: valkey.url });
    await waitFor(() => gateway.stats().broker.state === 'connected', 'the broker is connected');
    const client = await SseClient.open(gateway.url, ['a']);
    for (const forged of [
      { event_type: 'x\n\nevent: forged' },
      { event_type: 'x\0' },
      { event_type: { __proto__: null } },
      { id: '1\r\ndata: forged' },
      { retry: '1\ndata: forged' },
    ]) {
      await publisher.publish('a', JSON.stringify({ data: 'x', ...forged }));
    }
    await publisher.publish('a', 'no JSON\nevent: forged');
    await waitFor(() => client.events.length > 0, 'the harmless one arrives');
    expect(client.events).toEqual([event('no JSON\nevent: forged')]);
    expect(gateway.stats().messages).toEqual({
      in: 6,
      out: 1,
      dropped: { invalid_event_type: 3, invalid_id: 1, invalid_retry: 1, internal_error: 0 },
    });
  });
});

describe('POST /publish without a key', () => {
  test.each([
    ['a page of another site', { origin: 'https://evil.example' }],
    ['DNS rebinding', { host: 'evil.example' }],
    ['a proxy that says X-Forwarded-For', { 'x-forwarded-for': '203.0.113.7' }],
    ['a proxy that says Forwarded', { forwarded: 'for=203.0.113.7' }],
  ])('is refused by way of %s', async (_, headers: Record<string, string>) => {
    const gateway = await startGateway();
    const socket = await RawSocket.connect(gateway.url);
    const body = '{"channel":"a"}';
    const lines = Object.entries({ host: 'localhost', 'content-type': 'application/json', ...headers });
    socket.send(
      `POST /publish HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
    await waitFor(() => socket.received.includes('\r\n\r\n'), 'it is answered');
    expect(socket.received).toContain('403 Forbidden');
    expect(gateway.stats().messages.in).toBe(0);
  });

  test.each([{}, { origin: 'http://localhost:3000' }, { origin: 'http://127.0.0.1' }])(
    'is open to programs and pages of this machine: %j',
    async (headers: Record<string, string>) => {
      const gateway = await startGateway();
      const response = await fetch(`${gateway.url}/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"channel":"a"}',
      });
      expect(response.status).toBe(200);
    },
  );
});

test('POST /publish with data nested too deeply is a 400', async () => {
  const gateway = await startGateway();
  const deep = 100_000;
  const response = await fetch(`${gateway.url}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"channel":"a","data":${'['.repeat(deep)}${']'.repeat(deep)}}`,
  });
  expect(response.status).toBe(400);
});

describe('the port', () => {
  /** Sockets that listen on it, by the kernel's table: state 0A, the port in hexadecimal. */
  function listening(port: number): number {
    const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const rows = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1);
    return rows.filter((row) => {
      const [, local, , state] = row.trim().split(/\s+/);
      return local!.endsWith(suffix) && state === '0A';
    }).length;
  }

  test.skipIf(process.platform !== 'linux')(
    'has several queues for those who reconnect at once, and all are closed with the gateway',
    async () => {
      const gateway = await startGateway();
      const port = Number(new URL(gateway.url).port);
      expect(listening(port)).toBe(8);
      await gateway.close();
      expect(listening(port)).toBe(0);
    },
  );
});
