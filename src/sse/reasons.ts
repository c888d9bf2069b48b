// The catalogues of reasons: each is a label of a count, a field of the log, and a row of docs/reasons.md.

/** Why streams end. */
export const CLOSE_REASONS = {
  client_gone: 'The client closed the stream or its network did.',
  slow_consumer:
    'The client read too slowly: more than --max-buffer waited for it, or it took nothing for about 10 s while data waited.',
  max_lifetime: 'The stream reached --max-lifetime; the browser reconnects.',
  revoked: 'The broker no longer allows one of its channels; the browser reconnects and is told so (403).',
  shutdown: 'The gateway is stopping; the browser reconnects, by then to another one.',
  internal_error: 'An unexpected error in this one stream; it is logged, and the browser reconnects.',
} as const;

export type CloseReason = keyof typeof CLOSE_REASONS;

/** Why streams do not open. */
export const REJECT_REASONS = {
  bad_request: 'The request named no, bad or too many channels (400).',
  not_acceptable: 'The Accept header excludes text/event-stream (406).',
  unauthorized: 'The authorizer does not know who it is (401).',
  forbidden: 'The authorizer or the broker does not allow these channels (403).',
  client_gone: 'The client left before its stream was open.',
  authorizer_failed: 'The authorizer threw or took too long; the browser retries.',
  over_capacity: 'There are --max-connections streams; the browser retries.',
  draining: 'The gateway is stopping; the browser retries.',
  broker_unavailable: 'The broker is away; the browser retries.',
} as const;

export type RejectReason = keyof typeof REJECT_REASONS;
