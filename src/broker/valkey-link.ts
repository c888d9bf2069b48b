import { type RedisOptions, Redis as Valkey } from 'iovalkey';
import { BrokerUnavailable } from './broker.ts';

/** Milliseconds in which a new connection must have answered. */
const CONNECT_DEADLINE = 5_000;
/** Milliseconds between liveness probes. A server silent from one to the next makes the link half dead. */
const PROBE_INTERVAL = 3_000;
/** The wait before the next attempt doubles from the first to the second number of milliseconds; a random half of it is left out. */
const BACKOFF_MIN = 100;
const BACKOFF_MAX = 3_000;

export interface LinkEvents {
  /**
   * A new connection answers. The link counts as up when this resolves; if it rejects, the connection is given up.
   * @param again whether the link was up before
   */
  up(client: Valkey, again: boolean): Promise<void> | void;
  /** The link was lost or could not be had; another attempt follows. */
  lost(error: Error): void;
}

/**
 * A connection to Valkey that heals itself. Each attempt is a new client that never reconnects by itself, so nothing of a
 * lost connection (a queue, a subscription, a late message) can leak into the next.
 */
export class ValkeyLink {
  readonly #options: RedisOptions;
  readonly #events: LinkEvents;
  /** The connection that is up or the attempt under way; none between attempts. */
  #client: Valkey | undefined = undefined;
  /** Settles with the attempt under way; rejected between attempts. */
  #ready: PromiseWithResolvers<Valkey> = newAttempt();
  #up = false;
  #everUp = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(options: RedisOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#connect();
  }

  get up(): boolean {
    return this.#up;
  }

  /** The client, once the link is up. Waits for an attempt under way, and rejects with BrokerUnavailable between attempts. */
  ready(): Promise<Valkey> {
    return this.#ready.promise;
  }

  close(): void {
    this.#abandon(new Error('closed'));
  }

  #connect(): void {
    const client = new Valkey({
      ...this.#options,
      lazyConnect: true,
      retryStrategy: () => null,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      enableReadyCheck: false, // an INFO reply of 7 KB per connection; PING tells as well
      connectTimeout: CONNECT_DEADLINE,
      disconnectTimeout: 100, // a half-dead server never closes its side
    });
    let cause: Error | undefined; // an 'error' event says why; the promises only that the connection is closed
    client.on('error', (error: Error) => (cause = error));
    client.on('end', () => this.#lost(client, cause ?? new Error('the server closed the connection')));
    this.#client = client;
    this.#ready = newAttempt();
    this.#timer = setTimeout(
      () => this.#lost(client, new Error(`no answer within ${CONNECT_DEADLINE / 1000} s`)),
      CONNECT_DEADLINE,
    );
    this.#begin(client).catch((error) => this.#lost(client, cause ?? error));
  }

  async #begin(client: Valkey): Promise<void> {
    await client.connect();
    await client.ping(); // first of all: it is this command's reply that tells of maxclients
    client.client('SETNAME', 'ssemux').catch(() => {}); // for people who look at CLIENT LIST; an ACL may forbid it
    if (this.#client !== client) return;
    clearTimeout(this.#timer);
    this.#timer = this.#probe(client); // from here on there is no deadline, but the server must not fall silent
    await this.#events.up(client, this.#everUp);
    if (this.#client !== client) return;
    this.#up = true;
    this.#everUp = true;
    this.#ready.resolve(client);
  }

  #probe(client: Valkey): NodeJS.Timeout {
    let answered = true;
    let bytesRead = 0;
    const probe = () => {
      if (this.#client !== client) return;
      const silent = client.stream.bytesRead === bytesRead && !client.stream.isPaused();
      if (!answered && silent) {
        this.#lost(client, new Error(`no answer to PING for ${PROBE_INTERVAL / 1000} s`));
        return;
      }
      if (this.#up) this.#failures = 0; // up for a while: a link that flaps is not to be hammered
      answered = false;
      bytesRead = client.stream.bytesRead;
      client.ping().then(
        () => (answered = true),
        () => {}, // the loss of the connection is told by its 'end'
      );
    };
    // After a stall of this process the answer may be waiting in the socket: probe once sockets have been read.
    return setInterval(() => setImmediate(probe), PROBE_INTERVAL);
  }

  #lost(client: Valkey, error: Error): void {
    if (this.#client !== client) return;
    this.#abandon(error);
    this.#events.lost(error);
    const backoff = Math.min(BACKOFF_MAX, BACKOFF_MIN * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#connect(), backoff * (0.5 + Math.random() / 2));
  }

  #abandon(error: Error): void {
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    if (this.#up) this.#ready = newAttempt();
    this.#up = false;
    this.#ready.reject(new BrokerUnavailable(error.message, { cause: error }));
    // A server that was only stopped may yet send what it had; the next connection subscribes anew and must not double it.
    client?.removeAllListeners().on('error', () => {});
    client?.disconnect();
  }
}

function newAttempt(): PromiseWithResolvers<Valkey> {
  const attempt = Promise.withResolvers<Valkey>();
  attempt.promise.catch(() => {}); // nobody may be waiting
  return attempt;
}
