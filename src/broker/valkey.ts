import type { RedisOptions, Redis as Valkey } from 'iovalkey';
import { type Log, RateLimitedLog } from '../log.ts';
import {
  type Broker,
  BrokerRefused,
  type BrokerSession,
  type BrokerStatus,
  BrokerUnavailable,
  type SessionEvents,
} from './broker.ts';
import { type LinkEvents, ValkeyLink } from './valkey-link.ts';
import { parseValkeyUrl } from './valkey-url.ts';

/** Channels in one command at most. Valkey takes a million arguments, JavaScript about a hundred thousand. */
const CHANNELS_MAX = 10_000;

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
  #paused = false;

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
    const client = this.#client;
    // It fails only with the connection, and its subscriptions go with that.
    if (client !== undefined)
      await inChunks(channels, (chunk) => client.unsubscribe(...chunk)).catch(() => {});
  }

  pause(): void {
    this.#paused = true;
    this.#client?.stream.pause();
  }

  resume(): void {
    this.#paused = false;
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
    const refused = channels.length > 0 ? await subscribeAllowed(client, channels) : [];
    if (client !== this.#client) return;
    for (const channel of refused) this.#held.delete(channel);
    if (refused.length > 0) this.#events.refused(refused);
    if (this.#held.size > 0) this.#events.gap([...this.#held]);
    if (this.#paused) client.stream.pause();
  }
}

/** Subscribes with as few commands as can be. */
async function subscribe(client: Valkey, channels: readonly string[]): Promise<void> {
  await answerOf(inChunks(channels, (chunk) => client.subscribe(...chunk)));
}

/** Subscribes what the broker allows and returns what it refuses: it refuses a command as a whole. */
async function subscribeAllowed(client: Valkey, channels: readonly string[]): Promise<string[]> {
  try {
    await subscribe(client, channels);
    return [];
  } catch (error) {
    if (!(error instanceof BrokerRefused)) throw error;
    if (channels.length === 1) return [...channels];
    const half = channels.length >> 1;
    const halves = [channels.slice(0, half), channels.slice(half)];
    return (await Promise.all(halves.map((each) => subscribeAllowed(client, each)))).flat();
  }
}

async function inChunks(
  channels: readonly string[],
  run: (chunk: string[]) => Promise<unknown>,
): Promise<void> {
  const commands: Promise<unknown>[] = [];
  for (let from = 0; from < channels.length; from += CHANNELS_MAX) {
    commands.push(run(channels.slice(from, from + CHANNELS_MAX)));
  }
  await Promise.all(commands);
}

/** What a command answered; what failed as one of the broker's errors. */
async function answerOf<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    const { message } = error as Error;
    // Of Valkey's error replies only NOPERM is final; BUSY, LOADING, OOM and the like pass.
    const Kind = message.startsWith('NOPERM') ? BrokerRefused : BrokerUnavailable;
    throw new Kind(message, { cause: error });
  }
}
