/** What a server answered to a request for a stream, before the stream's own bytes. */
export interface ResponseHead {
  readonly status: number;
  readonly statusLine: string;
  readonly chunked: boolean;
  /** The body has a length: it is an answer that ends, not a stream. */
  readonly finite: boolean;
}

export function parseHead(text: string): ResponseHead {
  const statusLine = text.slice(0, text.indexOf('\r\n'));
  return {
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0),
    statusLine,
    chunked: /\r\ntransfer-encoding:[^\r]*chunked/i.test(text),
    finite: /\r\ncontent-length:/i.test(text),
  };
}

/** Why there is no stream. */
export class Refusal extends Error {
  /** The kind of refusal, few and for counting: `EMFILE`, `HTTP 503`, `asked to come back`. */
  readonly kind: string;
  /** ms after which the server wants to be asked again; null if asking again is of no use. */
  readonly retryMs: number | null;

  constructor(kind: string, retryMs: number | null) {
    super(kind);
    this.kind = kind;
    this.retryMs = retryMs;
  }
}

const RETRY_MS = 1_000;

/** From an answer that is no stream. A 200 that ends is how an SSE server says "not now" to an EventSource. */
export function refusalOf(head: ResponseHead, body: string): Refusal {
  if (head.status !== 200) return new Refusal(head.statusLine.replace(/^HTTP\/1\.[01] /, 'HTTP '), null);
  const retry = /^retry:\s*(\d+)/m.exec(body)?.[1];
  return new Refusal('asked to come back', retry === undefined ? RETRY_MS : Number(retry));
}
