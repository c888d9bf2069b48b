import type { Handler } from './app.ts';

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };
const JSON_TYPE = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

/** `GET /healthz`: the process is alive and its event loop turns. */
export const healthz: Handler = (exchange) => exchange.reply(200, TEXT, 'ok\n');

/** `GET /readyz`: 200 while the broker is there and the gateway not stopping, else 503. */
export function readyz(ready: () => boolean): Handler {
  return (exchange) =>
    ready()
      ? exchange.reply(200, TEXT, 'ready\n')
      : exchange.reply(503, TEXT, 'not ready: the broker is away, or the gateway is stopping\n');
}

/** `GET /stats`: what the gateway counts, as JSON. */
export function stats(read: () => object): Handler {
  return (exchange) => exchange.reply(200, JSON_TYPE, `${JSON.stringify(read(), null, 2)}\n`);
}
