import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { Connection, Stream } from '../sse/connection.ts';
import type { Registry } from '../sse/registry.ts';
import { Problem } from './problem.ts';

// The only file that touches HttpResponse, whose rules are: inside `cork` (else a write is four system calls), never after
// an abort (it throws), and `onAborted` set before the handler returns.

/** Headers of every stream. */
export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** One HTTP request and the answer to it. */
export class Exchange {
  readonly method: string;
  readonly path: string;
  /** Raw query string without the question mark. */
  readonly query: string;
  /** Request headers; names in lower case, repeated ones joined. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the client is gone; there is nobody to answer then. */
  aborted = false;
  #answered = false;
  #onAborted: (() => void) | undefined = undefined;
  readonly #res: HttpResponse;

  constructor(res: HttpResponse, req: HttpRequest) {
    this.#res = res;
    this.method = req.getCaseSensitiveMethod();
    this.path = req.getUrl();
    this.query = req.getQuery() ?? '';
    const headers: Record<string, string> = Object.create(null);
    req.forEach((name, value) => {
      const before = headers[name];
      headers[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
    });
    this.headers = headers;
    res.onAborted(() => {
      this.aborted = true;
      this.#onAborted?.();
    });
  }

  /** Address of the socket's peer; empty once it is gone. */
  get ip(): string {
    return this.aborted ? '' : Buffer.from(this.#res.getRemoteAddressAsText()).toString();
  }

  /** Answers in full, unless the client is gone or was answered. HEAD gets the head alone. */
  reply(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array = '',
    { close = false } = {},
  ): void {
    if (this.aborted || this.#answered) return;
    this.#answered = true;
    const res = this.#res;
    res.cork(() => {
      writeHead(res, status, headers);
      if (this.method !== 'HEAD' && status !== 204) res.end(body, close);
      else if (body.length === 0) res.endWithoutBody();
      else res.endWithoutBody(Buffer.byteLength(body));
    });
  }

  /**
   * Reads the request's body. To be called before the handler first waits for anything.
   *
   * @param limit bytes accepted
   * @throws {Problem} 413
   * @throws {Error} if the client leaves before its end
   */
  readBody(limit: number): Promise<Buffer> {
    const tooLarge = new Problem(413, `the body must have at most ${limit} bytes`, 'body');
    if (Number(this.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge);
    const chunks: Buffer[] = [];
    let bytes = 0;
    return new Promise((resolve, reject) => {
      this.#onAborted = () => reject(new Error('the client left in the middle of the body'));
      this.#res.onData((chunk, isLast) => {
        bytes += chunk.byteLength;
        if (bytes > limit) reject(tooLarge);
        else chunks.push(Buffer.from(chunk.slice(0))); // the memory is uWebSockets.js' again after this call
        if (isLast) resolve(Buffer.concat(chunks));
      });
    });
  }

  /** Makes this exchange a stream. */
  toStream(registry: Registry): UwsStream {
    this.#answered = true;
    return new UwsStream(this.#res, registry);
  }
}

function writeHead(res: HttpResponse, status: number, headers: Readonly<Record<string, string>>): void {
  res.writeStatus(`${status} ${STATUS_CODES[status]}`);
  for (const name in headers) res.writeHeader(name, headers[name]!);
}

// What `writeCorked` writes. Module state instead of a closure for each write: at 400,000 writes a second it shows.
let target: HttpResponse;
let piece: Uint8Array;
let accepted: boolean;
const writeCorked = () => {
  accepted = target.write(piece);
};

/** The response of an SSE stream. Once it ended, for whatever reason, everything on it does nothing. */
export class UwsStream implements Stream {
  #res: HttpResponse | undefined;
  /** The connection whose stream this is. */
  connection: Connection | undefined = undefined;

  constructor(res: HttpResponse, registry: Registry) {
    this.#res = res;
    res.onAborted(() => {
      this.#res = undefined;
      if (this.connection !== undefined) registry.aborted(this.connection);
    });
    res.onWritable(() => {
      try {
        this.connection?.writable();
      } catch (error) {
        registry.fail(this.connection!, error);
      }
      return true; // the handler has written, so there is nothing for uWebSockets.js to drain
    });
  }

  open(first: Uint8Array): void {
    const res = this.#res;
    res?.cork(() => {
      writeHead(res, 200, STREAM_HEADERS);
      res.write(first);
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#res === undefined) return true;
    target = this.#res;
    piece = bytes;
    target.cork(writeCorked);
    return accepted;
  }

  end(last: Uint8Array): void {
    const res = this.#res;
    this.#res = undefined;
    // Not with `closeConnection`: after a write, uWebSockets.js would put that header into the middle of the body.
    res?.cork(() => res.end(last));
  }

  cut(): void {
    const res = this.#res;
    this.#res = undefined;
    res?.close();
  }
}
