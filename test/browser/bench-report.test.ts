import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { page as reportOf } from '../../bench/report/html.ts';
import { capacityExample, compareExample, peersExample } from '../support/bench-records.ts';
import { complaintsOf, launchBrowser } from '../support/browser.ts';

const folder = mkdtempSync(join(tmpdir(), 'ssemux-report-'));
const file = join(folder, 'report.html');
let browser: Browser;

beforeAll(async () => {
  writeFileSync(file, reportOf([compareExample(), peersExample(), capacityExample()]));
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens the report, uses it, and expects that it had nothing to complain about and asked for nothing but itself. */
async function withReport(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await use(page);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([pathToFileURL(file).href]);
  } finally {
    await context.close();
  }
}

const COMPARE = '#topic-1-1';
const FANOUT = '#topic-2-1';
const STORM = '#topic-2-3';
const CAPACITY = '#topic-3-1';

const figure = (page: Page, topic: string, title: string) =>
  page.locator(`${topic} figure`).filter({ has: page.locator(`figcaption:text-is("${title}")`) });

/** What an expression in the page, which this file's types know nothing of, comes to. */
const inPage = <Value>(page: Page, expression: string) => page.evaluate<Value>(expression);
const CURVE = `document.querySelector('figure > svg path[stroke="var(--c1)"]')`;
const look = async (page: Page) => ({
  paper: await inPage<string>(page, 'getComputedStyle(document.body).backgroundColor'),
  curve: await inPage<string>(page, `getComputedStyle(${CURVE}).stroke`),
});
const overflow = (page: Page) =>
  inPage<number>(page, 'document.documentElement.scrollWidth - document.documentElement.clientWidth');

test('every chart has a line for each server, its axes, and its figures for those who do not see it', async () => {
  await withReport({}, async (page) => {
    for (const [title, unit] of [
      ['p99 latency', 'ms'],
      ['Valkey connections', 'connections'],
      ['Server CPU per delivered event', 'us'],
      ['Server memory', 'MiB'],
      ['Valkey CPU', '% of a core'],
      ['Valkey memory', 'MiB'],
      ['Latency at 9,000 streams', 'ms'],
    ] as const) {
      const chart = figure(page, COMPARE, title);
      expect(await chart.locator('.legend li').allTextContents(), title).toEqual(['dedup', 'per-connection']);
      for (const colour of ['--c1', '--c2']) {
        const line = chart.locator(`> svg path[stroke="var(${colour})"][fill="none"]`);
        expect(await line.count(), title).toBeGreaterThan(0);
      }
      const texts = await chart.locator('> svg text').allTextContents();
      expect(texts).toContain(unit);
      expect(texts).toContain(title.startsWith('Latency') ? 'percentile' : 'streams');
    }
    const ticks = await figure(page, COMPARE, 'Latency at 1,000 streams').locator('text').allTextContents();
    expect(ticks).toEqual(expect.arrayContaining(['0', '50', '90', '99', '99.9', '99.99']));
    const connections = page.getByRole('img', { name: 'Valkey connections' }).first();
    expect(await connections.locator('desc').textContent()).toContain('per-connection: 1,002 at 1,000');
  });
});

test('servers under one load have a bar each, and a refusal stands where it happened', async () => {
  await withReport({}, async (page) => {
    const servers = ['ssemux', 'nchan', 'nchan-valkey', 'node-http', 'centrifugo'];
    expect(await figure(page, FANOUT, 'Latency').locator('.legend li').allTextContents()).toEqual(servers);
    for (const [topic, title] of [
      [FANOUT, 'p99 latency'],
      [FANOUT, 'Server CPU per delivered event'],
      [FANOUT, 'Server memory per stream'],
      [STORM, 'Storm: until all streams receive again'],
    ] as const) {
      const chart = figure(page, topic, title);
      expect(await chart.locator('svg path[fill^="var(--c"]').count(), title).toBe(servers.length);
      expect(await chart.locator('svg text').allTextContents()).toEqual(expect.arrayContaining(servers));
    }
    expect(await figure(page, CAPACITY, 'Streams opened').locator('text').allTextContents()).toContain(
      '19,800 of 50,000',
    );
    expect(await page.locator('.stopped').allTextContents()).toContain('refused: Valkey maxclients');
    expect(await page.locator('td .fault').allTextContents()).toEqual(
      expect.arrayContaining(['faults in 1 of 3', '1,204', '3']),
    );
  });
});

test('text of a chart stays within it', async () => {
  await withReport({ viewport: { width: 1280, height: 900 } }, async (page) => {
    const outside = await inPage<string[]>(
      page,
      `[...document.querySelectorAll('figure > svg')].flatMap((svg) => {
        const frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter((text) => {
          const { left, right } = text.getBoundingClientRect();
          return left < frame.left - 1 || right > frame.right + 8;
        }).map((text) => svg.querySelector('title').textContent + ': ' + text.textContent);
      })`,
    );
    expect(outside).toEqual([]);
  });
});

test('fits a phone: only tables scroll, each by itself', async () => {
  await withReport({ viewport: { width: 360, height: 740 } }, async (page) => {
    expect(await overflow(page)).toBe(0);
    const scrolls =
      'document.querySelector(".table").scrollWidth > document.querySelector(".table").clientWidth';
    expect(await inPage(page, scrolls)).toBe(true);
    const size = `document.querySelector('figure text').getBoundingClientRect().height`;
    expect(await inPage<number>(page, size)).toBeGreaterThan(9);
  });
});

test('is light or dark as one likes, lines included, and light on paper', async () => {
  await withReport({ colorScheme: 'light' }, async (page) => {
    const light = await look(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await look(page);
    expect(dark.paper).not.toBe(light.paper);
    expect(dark.curve).not.toBe(light.curve);

    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    expect(await look(page)).toEqual(light);
  });
});

test('on paper no table is cut off, and the whole report is printed', async () => {
  // What is left of an A4 page between its margins.
  await withReport({ viewport: { width: 688, height: 1000 } }, async (page) => {
    await page.emulateMedia({ media: 'print' });
    expect(await overflow(page)).toBe(0);
    expect(await inPage(page, 'getComputedStyle(document.querySelector(".table")).overflowX')).toBe(
      'visible',
    );
    expect(await inPage(page, 'getComputedStyle(document.querySelector("figure")).breakInside')).toBe(
      'avoid',
    );
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  });
});
