/**
 * Why streams end. One catalogue: each is the metric label, the log field and a row of docs/close-reasons.md.
 */
export const CLOSE_REASONS = {
  client_gone: 'The client closed the stream or its network did.',
  slow_consumer:
    'The client read too slowly: more than --max-buffer waited for it, or it took nothing for about 10 s while data waited.',
  max_lifetime: 'The stream reached --max-lifetime; the browser reconnects.',
  shutdown: 'The gateway is stopping; the browser reconnects, by then to another one.',
  internal_error: 'An unexpected error in this one stream; it is logged, and the browser reconnects.',
} as const;

export type CloseReason = keyof typeof CLOSE_REASONS;
