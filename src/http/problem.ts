import { STATUS_CODES } from 'node:http';

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
