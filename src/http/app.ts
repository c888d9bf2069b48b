import type { HttpRequest, HttpResponse, us_listen_socket } from 'uWebSockets.js';
import { createServer } from 'node:net';
import { type Log, RateLimitedLog } from '../log.ts';
import { Problem, toProblem } from './problem.ts';
import { uws } from './uws.ts';
import { Exchange } from './uws-exchange.ts';

export type Handler = (exchange: Exchange) => void | Promise<void>;

/** Handlers by path, then by method. HEAD and OPTIONS need none: HEAD goes to the handler of GET. */
export type Routes = Readonly<Record<string, Readonly<Partial<Record<'GET' | 'POST', Handler>>>>>;

/** The HTTP server: finds the handler, answers for it when it throws, and keeps count of what is under way. */
export class HttpServer {
  readonly #routes: Routes;
  readonly #log: Log;
  readonly #rateLimited = new RateLimitedLog();
  readonly #app = uws.App();
  #socket: us_listen_socket | undefined;
  #pending = 0;

  constructor(routes: Routes, log: Log) {
    this.#routes = routes;
    this.#log = log;
    this.#app.any('/*', (res, req) => this.#handle(res, req));
  }

  /**
   * Listens, for this process alone: without asking for that, a second process on the port would silently get half of the
   * connections. Returns the port, which the system chooses when asked for 0.
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const { LIBUS_LISTEN_EXCLUSIVE_PORT } = uws as unknown as { LIBUS_LISTEN_EXCLUSIVE_PORT: number };
      // biome-ignore lint/suspicious/noExplicitAny: the declared types lack the signature with host and options
      (this.#app.listen as any)(
        host,
        port,
        LIBUS_LISTEN_EXCLUSIVE_PORT,
        (socket: us_listen_socket | false) => {
          if (socket === false) {
            whyNot(host, port).then(reject);
            return;
          }
          this.#socket = socket;
          resolve(uws.us_socket_local_port(socket));
        },
      );
    });
  }

  /** Takes no more connections; those there are go on. */
  stopListening(): void {
    if (this.#socket !== undefined) uws.us_listen_socket_close(this.#socket);
    this.#socket = undefined;
  }

  /** Requests whose handler has not finished. */
  get pending(): number {
    return this.#pending;
  }

  /** Closes every connection. */
  close(): void {
    this.#socket = undefined;
    this.#app.close();
  }

  async #handle(res: HttpResponse, req: HttpRequest): Promise<void> {
    const exchange = new Exchange(res, req);
    this.#pending++;
    try {
      await this.#handlerFor(exchange)(exchange);
    } catch (error) {
      this.#answer(exchange, error);
    } finally {
      this.#pending--;
    }
  }

  #handlerFor({ path, method }: Exchange): Handler {
    const methods = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined;
    if (methods === undefined) throw new Problem(404, `there is nothing at ${path}`);
    const allowed = [...Object.keys(methods), ...('GET' in methods ? ['HEAD'] : []), 'OPTIONS'].join(', ');
    if (method === 'OPTIONS') return (exchange) => exchange.reply(204, { Allow: allowed });
    const handler = new Map(Object.entries(methods)).get(method === 'HEAD' ? 'GET' : method);
    if (handler === undefined)
      throw new Problem(405, `must be one of ${allowed}`, 'method', { Allow: allowed });
    return handler;
  }

  #answer(exchange: Exchange, error: unknown): void {
    if (exchange.aborted) return;
    const problem = toProblem(error);
    if (problem.status === 500) {
      this.#rateLimited.run('request', (suppressed) =>
        this.#log.error({ err: error, path: exchange.path, ...suppressed }, 'unexpected error in a request'),
      );
    }
    exchange.reply(
      problem.status,
      { 'Content-Type': 'application/problem+json', ...problem.headers },
      problem.body,
    );
  }
}

/** uWebSockets.js does not say why it cannot listen; the system does, when asked once more. */
function whyNot(host: string, port: number): Promise<Error> {
  return new Promise((resolve) => {
    const probe = createServer();
    const tell = (reason: string) => resolve(new Error(`cannot listen on ${host}:${port}: ${reason}`));
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) => tell(REASONS[code ?? ''] ?? message));
    probe.listen({ host, port, exclusive: true }, () =>
      probe.close(() => tell('the port was in use just now')),
    );
  });
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the port is in use; stop what uses it, or choose another with --port (PORT)',
  EADDRNOTAVAIL: 'the address is not one of this machine; see --host (HOST)',
  ENOTFOUND: 'the host is not known; see --host (HOST)',
  EACCES: 'not permitted; ports below 1024 need privileges',
};
