import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/index.ts';
import { complaintsOf, launchBrowser, PageEventSource } from '../support/browser.ts';

/** Waits for a condition. Ended streams come back within 5 s; the rest is for slow machines. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 15_000 });

let browser: Browser;
let context: BrowserContext;
let page: Page;
const gateways: Gateway[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
});
afterEach(async () => {
  await context.close();
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

async function start(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await createGateway({ port: 0, logLevel: 'silent', ...options });
  gateways.push(gateway);
  return gateway;
}

async function publish(gateway: Gateway, message: object): Promise<void> {
  const response = await fetch(`${gateway.url}/publish`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(message),
  });
  expect(response.status).toBe(200);
}

const state = () => page.getByRole('status').first();
const events = () => page.getByRole('list', { name: 'Events' }).getByRole('listitem');
const pressPublish = () => page.getByRole('button', { name: 'Publish', exact: true }).click();
const countOf = (name: string) =>
  page.locator('dl > div').filter({ hasText: name }).getByRole('definition').textContent();
const textOf = (locator: ReturnType<typeof events>) => eventually(() => locator.textContent());

async function openPage(gateway: Gateway, hash = ''): Promise<void> {
  await page.goto(`${gateway.url}/${hash}`);
  await textOf(state()).toMatch(/^Open/);
}

describe('the page', () => {
  test('opens its stream, and the first click on Publish shows an event, with nothing to complain about', async () => {
    const complaints = complaintsOf(page);
    const gateway = await start();
    await openPage(gateway);
    expect(gateway.stats()).toMatchObject({ connections: { open: 1 }, channels: 1 });

    await pressPublish();

    await textOf(events().first()).toContain('status<span>Shipped</span>');
    await textOf(page.getByText('receivers:')).toBe('receivers: 1');
    expect(await events().count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  test('shows data of many lines, emoji and markup as text', async () => {
    const gateway = await start();
    await openPage(gateway);
    await page.evaluate('globalThis.attacked = false');
    const markup = '<img src=x onerror="attacked = true"><script>attacked = true</script>';
    const data = `one\n\n  three 🚚 ${markup}\n`;

    await publish(gateway, { channel: 'order:123', event_type: '<b>bold</b>', id: '<i>7</i>', data });
    await publish(gateway, { channel: 'order:123', event_type: 'last', data: '' });

    await eventually(() => events().count()).toBe(2);
    expect(await events().first().locator('b').textContent()).toBe('last');
    const row = events().nth(1);
    expect(await row.locator('.data').textContent()).toBe(data);
    expect(await row.locator('b').textContent()).toBe('<b>bold</b>');
    expect(await row.textContent()).toContain('id <i>7</i>');
    expect(await row.locator('img, script, i, b b').count()).toBe(0);
    expect(await page.evaluate('globalThis.attacked')).toBe(false);
  });

  test('highlights resync', async () => {
    const gateway = await start();
    await openPage(gateway);
    await publish(gateway, { channel: 'order:123', event_type: 'resync', data: { reason: 'test' } });
    await textOf(events().first()).toContain('messages may have been missed{"reason":"test"}');
  });

  test('keeps the newest 200 events, and Clear removes them', async () => {
    const gateway = await start();
    await openPage(gateway);
    for (let id = 1; id <= 205; id++) await publish(gateway, { channel: 'order:123', id });

    await textOf(events().first()).toContain('id 205');
    expect(await events().count()).toBe(200);
    await textOf(events().last()).toContain('id 6');

    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await events().count()).toBe(0);
  });

  test('shows live counts', async () => {
    const gateway = await start();
    await openPage(gateway);
    await publish(gateway, { channel: 'order:123' });

    await eventually(() => countOf('Open streams')).toBe('1');
    await eventually(() => countOf('Channels')).toBe('1');
    await eventually(() => countOf('Messages in')).toBe('1');
    await eventually(() => countOf('Events out')).toBe('1');
    expect(await page.getByText('memory broker connected · dedup mode').count()).toBe(1);

    await page.getByRole('button', { name: 'Remove order:123' }).click();
    await eventually(() => countOf('Open streams')).toBe('0');
    await eventually(() => countOf('Streams closed')).toBe('1client_gone 1');
  });

  test('subscribes to several channels on one stream, and a reload keeps them', async () => {
    const gateway = await start();
    await openPage(gateway);
    await page.getByLabel('Channel to add').fill("user:7&8's+notes");
    await page.keyboard.press('Enter');
    await textOf(state()).toContain('2 channels on one stream');
    await page.reload();
    await textOf(state()).toContain('2 channels on one stream');
    await eventually(() => gateway.stats().connections.open).toBe(1);

    await publish(gateway, { channel: "user:7&8's+notes", data: 'to the second' });
    await textOf(events().first()).toContain('to the second');
    await context.grantPermissions(['clipboard-read']);
    await page.getByRole('button', { name: 'Copy' }).click();
    await eventually(() => page.evaluate('navigator.clipboard.readText()')).toBe(
      `curl -N '${gateway.url}/events?channel=order:123&channel=user:7%268%27s%2Bnotes'`,
    );

    await page.getByRole('button', { name: "Remove user:7&8's+notes" }).click();
    await page.getByRole('button', { name: 'Remove order:123' }).click();
    await page.reload();
    await textOf(state()).toContain('No channel');
  });

  test('says why a stream is refused, and opens once that is mended', async () => {
    await openPage(await start());
    await page.getByLabel('Channel to add').fill('order:*');
    await page.keyboard.press('Enter');
    await textOf(state()).toMatch(/^Refused channel: "order:\*" must not contain "\*"/);
    await page.getByRole('button', { name: 'Remove order:*' }).click();
    await textOf(state()).toMatch(/^Open/);
  });

  test('shows the problem when a publication is refused, and the field to mend', async () => {
    await openPage(await start({ publishKey: 'correct-horse' }));
    await pressPublish();
    await textOf(page.locator('output')).toBe('Authorization: must be "Bearer" and the publish key');
    const key = page.getByLabel('Publish key');
    expect(await key.getAttribute('aria-invalid')).toBe('true');

    await key.fill('correct-horse');
    await pressPublish();
    await textOf(page.locator('output')).toBe('receivers: 1');
    expect(await key.getAttribute('aria-invalid')).toBe(null);
    await eventually(() => events().count()).toBe(1);
  });

  test('reconnects when its stream has ended, and says so', async () => {
    const gateway = await start({ maxLifetime: '1s' });
    await openPage(gateway);
    await textOf(state()).toMatch(/^Reconnecting in [1-5] s max_lifetime$/);
    await eventually(() => gateway.stats().connections.opened).toBeGreaterThan(1);
    await textOf(state()).toMatch(/^Open/);
  });

  test('reads every stream that the standard allows, in whatever pieces it comes', async () => {
    const gateway = await start();
    const stream = [
      '\uFEFFdata:bom and no space\n\n',
      ': open\r\r:\revent: cr\rid: 1\rdata: a\rdata\rdata:  b\r\r',
      'event: crlf\r\nretry: 60000\r\nretry: 6e4\r\ndata: 🚚\r\nunknown: field\r\n\r\n',
      'event: without data\nid: 2\n\n',
      'id: nul\0\ndata: c:d\n\n',
      ': the reason\n\n',
      'data: not finished\n',
    ].join('');
    await page.addInitScript((text) => {
      const original = globalThis.fetch;
      globalThis.fetch = (resource, options) => {
        if (!String(resource).startsWith('/events')) return original(resource, options);
        const pieces = [...new TextEncoder().encode(text)].map((byte) => new Uint8Array([byte]));
        return Promise.resolve(new Response(ReadableStream.from(pieces)));
      };
      ReadableStream.from ??= (pieces) =>
        new ReadableStream({
          async start(controller) {
            for await (const piece of pieces) controller.enqueue(piece);
            controller.close();
          },
        });
    }, stream);

    await page.goto(gateway.url);
    await textOf(state()).toMatch(/^Reconnecting in \d+ s the reason$/);
    expect(await state().textContent()).toMatch(/ (60|59) s/);
    await eventually(() => events().count()).toBe(4);
    const rows = await events().evaluateAll((all) =>
      all.map((row) => [...row.querySelectorAll('b, .id, .data')].map((part) => part.textContent)),
    );
    expect(rows.reverse()).toEqual([
      ['message', 'bom and no space'],
      ['cr', 'id 1', 'a\n\n b'],
      ['crlf', '🚚'],
      ['message', 'c:d'],
    ]);
  });
});

describe('a native EventSource', () => {
  /** A page of the gateway, under its policy, that has no stream of its own. */
  const openIdlePage = (gateway: Gateway) => page.goto(`${gateway.url}/#channel=`);

  test('gets events by name, with their ids', async () => {
    const gateway = await start();
    await openIdlePage(gateway);
    const source = await PageEventSource.open(page, '/events?channel=order:123', ['status', 'update']);
    await eventually(() => source.opened).toBe(1);

    await publish(gateway, { channel: 'order:123', event_type: 'status', id: '42', data: 'two\nlines 🚚' });
    await publish(gateway, { channel: 'order:123', event_type: 'other', data: 'nobody listens' });
    await publish(gateway, { channel: 'order:123', data: { n: 1 } });

    await eventually(() => source.seen).toHaveLength(2);
    expect(source.seen).toEqual([
      { type: 'status', data: 'two\nlines 🚚', lastEventId: '42' },
      { type: 'update', data: '{"n":1}', lastEventId: '42' },
    ]);
  });

  test('has two channels on one stream, and nothing of others', async () => {
    const gateway = await start();
    await openIdlePage(gateway);
    const source = await PageEventSource.open(page, '/events?channel=a&channel=b', ['update']);
    await eventually(() => source.opened).toBe(1);

    for (const channel of ['a', 'c', 'b']) await publish(gateway, { channel, data: `of ${channel}` });

    await eventually(() => source.seen).toHaveLength(2);
    expect(source.seen.map(({ data }) => data).sort()).toEqual(['of a', 'of b']);
    expect(gateway.stats()).toMatchObject({ connections: { open: 1 }, channels: 2 });
  });

  test('comes back by itself after max_lifetime', async () => {
    const complaints = complaintsOf(page);
    const gateway = await start({ maxLifetime: '1s' });
    await openIdlePage(gateway);
    const source = await PageEventSource.open(page, '/events?channel=order:123', ['update']);

    await eventually(() => source.opened).toBeGreaterThan(1);
    expect(source.errors).toBeGreaterThan(0);
    expect(gateway.stats().connections.closed.max_lifetime).toBeGreaterThan(0);
    await eventually(async () => {
      await publish(gateway, { channel: 'order:123', data: 'after' });
      return source.seen.length;
    }).toBeGreaterThan(0);
    expect(complaints).toEqual([]); // the end of a stream is a proper one, not an encoding error
  });

  test('comes back by itself when the gateway has no place for it just now', async () => {
    const gateway = await start({ maxConnections: 1 });
    await openIdlePage(gateway);
    const first = await PageEventSource.open(page, '/events?channel=order:123', []);
    await eventually(() => first.opened).toBe(1);
    const second = await PageEventSource.open(page, '/events?channel=order:123', ['update']);
    await eventually(() => second.errors).toBe(1);
    expect(gateway.stats().connections.rejected.over_capacity).toBe(1);

    await first.close();
    await eventually(() => gateway.stats().connections.opened).toBe(2);
    await publish(gateway, { channel: 'order:123', data: 'there was room' });
    await eventually(() => second.seen.map(({ data }) => data)).toEqual(['there was room']);
  });

  test('is refused for good when the request is wrong', async () => {
    const gateway = await start();
    await openIdlePage(gateway);
    const source = await PageEventSource.open(page, '/events', []);
    await eventually(() => source.errors).toBe(1);
    expect(await source.readyState()).toBe(2); // CLOSED
  });
});
