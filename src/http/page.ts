import type { Handler } from './app.ts';

/** Whatever the page shows of events is text; should markup slip through, this keeps it from doing anything. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `GET /`: a self-contained page. */
export function page(html: Uint8Array): Handler {
  return (exchange) =>
    exchange.reply(
      200,
      {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': CONTENT_SECURITY_POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Cache-Control': 'no-cache',
      },
      html,
    );
}
