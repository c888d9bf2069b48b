import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Beyond playwright's own: nothing that needs a sandbox, a GPU or the network outside the machine. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the system's Chromium: the one that `CHROMIUM_PATH` names, else one from the usual places. */
export function launchBrowser(): Promise<Browser> {
  const { CHROMIUM_PATH } = process.env;
  const executablePath = CHROMIUM_PATH || EXECUTABLES.find((path) => existsSync(path));
  if (executablePath === undefined || !existsSync(executablePath)) {
    throw new Error(
      `No browser at ${CHROMIUM_PATH ? `${CHROMIUM_PATH} (CHROMIUM_PATH)` : EXECUTABLES.join(', ')}. ` +
        'Run `npm run setup`, which installs Chromium, or set CHROMIUM_PATH.',
    );
  }
  return chromium.launch({ executablePath, args: ARGS });
}

/** Collects what a page complains about from now on: errors and warnings, failed requests and bad answers. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`exception: ${error}`));
  page.on('requestfailed', (request) =>
    complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`),
  );
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`answered ${response.status()}: ${response.url()}`);
  });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  return complaints;
}

/** An event that an EventSource in a page got. */
export interface SeenEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** A native EventSource in a page, listening for the named events. */
export class PageEventSource {
  readonly seen: SeenEvent[] = [];
  /** Its `open` events. */
  opened = 0;
  /** Its `error` events: the stream ended or was refused. */
  errors = 0;
  #source: Awaited<ReturnType<typeof construct>> | undefined;

  static async open(page: Page, path: string, names: readonly string[]): Promise<PageEventSource> {
    const source = new PageEventSource();
    const binding = `eventSource${++sources}`;
    await page.exposeFunction(binding, (event: SeenEvent) => source.#take(event));
    source.#source = await construct(page, { path, binding, names: ['open', 'error', ...names] });
    return source;
  }

  /** 0 connecting, 1 open, 2 closed. */
  async readyState(): Promise<number | undefined> {
    return this.#source?.evaluate(({ readyState }) => readyState);
  }

  async close(): Promise<void> {
    await this.#source?.evaluate((source) => source.close());
  }

  #take(event: SeenEvent): void {
    if (event.type === 'open') this.opened++;
    else if (event.type === 'error') this.errors++;
    else this.seen.push(event);
  }
}

let sources = 0;

/** The function runs in the page, so it sees nothing of this module. */
function construct(page: Page, options: { path: string; binding: string; names: string[] }) {
  return page.evaluateHandle(({ path, binding, names }) => {
    const source = new EventSource(path);
    const report = (globalThis as unknown as Record<string, (event: object) => void>)[binding]!;
    for (const name of names) {
      source.addEventListener(name, (event) => {
        const { type, data, lastEventId } = event as MessageEvent;
        report({ type, data, lastEventId });
      });
    }
    return source;
  }, options);
}
