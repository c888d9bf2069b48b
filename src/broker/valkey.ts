import type { RedisOptions, Redis as Valkey } from 'iovalkey';
import { type Log, RateLimitedLog } from '../log.ts';
import {
  type Broker,
  type BrokerSession,
  type BrokerStatus,
  BrokerUnavailable,
  type SessionEvents,
} from './broker.ts';
import { answerOf, type LinkEvents, ValkeyLink } from './valkey-link.ts';
import { parseValkeyUrl } from './valkey-url.ts';

/** Channels in one SUBSCRIBE at most; Valkey takes about a million arguments a command. */
const SUBSCRIBE_MAX = 10_000;

/** Valkey's pub/sub: one link for PUBLISH, and one for each session. */
export class ValkeyBroker implements Broker {
  readonly #options: RedisOptions;
  readonly #log: Log;
  readonly #rateLimited = new RateLimitedLog();
  readonly #publishing: ValkeyLink;
  #reconnects = 0;

  /** @param url as {@link parseValkeyUrl} takes it. A server that is away is no error: it is retried. */
  constructor(url: string, log: Log) {
    this.#log = log;
    this.#options = parseValkeyUrl(url);
    this.#publishing = new ValkeyLink(
      { ...this.#options, enableAutoPipelining: true },
      {
        up: (_client, again) => this.#regained(again),
        lost: (error) => this.#lost('publish link', error),
      },
    );
  }

  openSession(events: SessionEvents): BrokerSession {
    return new ValkeySession(this.#options, events, {
      up: (_client, again) => this.#regained(again),
      lost: (error) => this.#lost('session', error),
    });
  }

  async publish(channel: string, payload: Uint8Array): Promise<number> {
    const client = await this.#publishing.ready();
    return answerOf(client.publish(channel, Buffer.from(payload.buffer, payload.byteOffset, payload.length)));
  }

  status(): BrokerStatus {
    return {
      type: 'valkey',
      state: this.#publishing.up ? 'connected' : 'connecting',
      reconnects: this.#reconnects,
    };
  }

  async close(): Promise<void> {
    this.#publishing.close();
  }

  #regained(again: boolean): void {
    if (!again) return;
    this.#reconnects++;
    this.#rateLimited.run('regained', (suppressed) => this.#log.info(suppressed, 'Valkey link is back'));
  }

  #lost(link: string, error: Error): void {
    this.#rateLimited.run(link, (suppressed) =>
      this.#log.warn({ reason: error.message, ...suppressed }, `Valkey is away (${link}); retrying`),
    );
  }
}

class ValkeySession implements BrokerSession {
  readonly #link: ValkeyLink;
  readonly #events: SessionEvents;
  /** What the caller holds, and each new connection subscribes anew. */
  readonly #held = new Set<string>();
  /** The connection that has subscribed or is subscribing what is held. */
  #client: Valkey | undefined = undefined;

  constructor(options: RedisOptions, events: SessionEvents, reports: LinkEvents) {
    this.#events = events;
    this.#link = new ValkeyLink(options, {
      up: async (client, again) => {
        await this.#begin(client);
        reports.up(client, again);
      },
      lost: (error) => {
        this.#client = undefined;
        reports.lost(error);
      },
    });
  }

  get connected(): boolean {
    return this.#link.up;
  }

  async ready(): Promise<void> {
    await this.#link.ready();
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    const client = await this.#link.ready();
    await subscribe(client, channels);
    if (client !== this.#client) throw new BrokerUnavailable('the connection was lost meanwhile');
    for (const channel of channels) this.#held.add(channel);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#held.delete(channel);
    // Also on a connection that is still resubscribing: the command follows the SUBSCRIBE that had these channels in it.
    await this.#client?.unsubscribe(...channels).catch(() => {}); // with the connection, its subscriptions are gone
  }

  pause(): void {
    this.#client?.stream.pause();
  }

  resume(): void {
    this.#client?.stream.resume();
  }

  close(): void {
    this.#client = undefined;
    this.#link.close();
  }

  async #begin(client: Valkey): Promise<void> {
    this.#client = client;
    client.on('messageBuffer', (channel: Buffer, payload: Buffer) =>
      this.#events.message(channel.toString(), payload),
    );
    const channels = [...this.#held];
    if (channels.length === 0) return;
    await subscribe(client, channels);
    if (client === this.#client) this.#events.gap(channels);
  }
}

/** Subscribes with as few commands as Valkey allows. */
async function subscribe(client: Valkey, channels: readonly string[]): Promise<void> {
  const commands: Promise<unknown>[] = [];
  for (let from = 0; from < channels.length; from += SUBSCRIBE_MAX) {
    commands.push(client.subscribe(...channels.slice(from, from + SUBSCRIBE_MAX)));
  }
  await answerOf(Promise.all(commands));
}
