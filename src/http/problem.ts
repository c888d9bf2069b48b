import { STATUS_CODES } from 'node:http';
import { BrokerRefused, BrokerUnavailable } from '../broker/broker.ts';

/** An answer that says what is wrong with the request. */
export class Problem extends Error {
  readonly status: number;
  /** The part of the request that is wrong: a query parameter, a header, a field of the body. */
  readonly field: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, field?: string, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.field = field;
    this.headers = headers;
  }

  /** The problem details of RFC 9457, with the extension member `field`. */
  get body(): string {
    const { status, field, message: detail } = this;
    return `${JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, field })}\n`;
  }
}

/** The answer to a request whose handler threw this: the one place that maps errors to HTTP. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof BrokerUnavailable) {
    const detail =
      'the broker is away, or went away meanwhile: the message may or may not have been delivered';
    return new Problem(503, detail, undefined, { 'Retry-After': '2' });
  }
  if (error instanceof BrokerRefused) return new Problem(403, 'the broker does not allow it');
  return new Problem(500, 'unexpected error; the log of the gateway says more');
}
