import type { HttpRequest, HttpResponse, us_listen_socket } from 'uWebSockets.js';
import { type AddressInfo, createServer } from 'node:net';
import { type Log, RateLimitedLog } from '../log.ts';
import { Problem, toProblem } from './problem.ts';
import { uws } from './uws.ts';
import { Exchange } from './uws-exchange.ts';

export type Handler = (exchange: Exchange) => void | Promise<void>;

/** Handlers by path, then by method. HEAD and OPTIONS need none: HEAD goes to the handler of GET. */
export type Routes = Readonly<Record<string, Readonly<Partial<Record<'GET' | 'POST', Handler>>>>>;

/**
 * Listening sockets on the one port. Connections that come while the loop is busy wait in a socket's queue, which
 * uWebSockets.js makes 512 long; the kernel drops what finds it full, and the client tries again after 1, 3 and 7 seconds. When
 * thousands reconnect at once that decides how long they are away.
 */
const QUEUES = 8;

/** For uWebSockets.js' `listen`: other sockets may listen on the port too (SO_REUSEPORT). */
const SHARED_PORT = 0;

/** The HTTP server: finds the handler, answers for it when it throws, and keeps count of what is under way. */
export class HttpServer {
  readonly #routes: Routes;
  readonly #log: Log;
  readonly #rateLimited = new RateLimitedLog();
  readonly #app = uws.App();
  readonly #sockets: us_listen_socket[] = [];
  #pending = 0;

  constructor(routes: Routes, log: Log) {
    this.#routes = routes;
    this.#log = log;
    this.#app.any('/*', (res, req) => this.#handle(res, req));
  }

  /**
   * Listens, for this process alone: uWebSockets.js lets processes share a port, and a second one would silently get half of
   * the connections. Returns the port, which the system chooses when asked for 0.
   */
  async listen(host: string, wanted: number): Promise<number> {
    const port = await freePort(host, wanted);
    while (this.#sockets.length < QUEUES) this.#sockets.push(await this.#listenOnce(host, port));
    return port;
  }

  #listenOnce(host: string, port: number): Promise<us_listen_socket> {
    return new Promise((resolve, reject) => {
      // biome-ignore lint/suspicious/noExplicitAny: the declared types lack the signature with host and options
      (this.#app.listen as any)(host, port, SHARED_PORT, (socket: us_listen_socket | false) => {
        if (socket === false) reject(new Error(`cannot listen on ${host}:${port}: ${REASONS.EADDRINUSE}`));
        else resolve(socket);
      });
    });
  }

  /** Takes no more connections; those there are go on. */
  stopListening(): void {
    for (const socket of this.#sockets.splice(0)) uws.us_listen_socket_close(socket);
  }

  /** Requests whose handler has not finished. */
  get pending(): number {
    return this.#pending;
  }

  /** Closes every connection. */
  close(): void {
    this.#sockets.length = 0;
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

/** The port, or one that the system chooses for 0; rejects with the reason if this process cannot have it to itself. */
function freePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      reject(new Error(`cannot listen on ${host}:${port}: ${REASONS[code ?? ''] ?? message}`));
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the port is in use; stop what uses it, or choose another with --port (PORT)',
  EADDRNOTAVAIL: 'the address is not one of this machine; see --host (HOST)',
  ENOTFOUND: 'the host is not known; see --host (HOST)',
  EACCES: 'not permitted; ports below 1024 need privileges',
};
