import { Redis as Valkey } from 'iovalkey';
import { channelProblem } from '../broker/channel.ts';
import { encodeEnvelope, envelopeToEvent } from '../broker/envelope.ts';
import { parseValkeyUrl } from '../broker/valkey-url.ts';

/** An event to publish. */
export interface PublisherEvent {
  /** Name that pages listen for, one line. Default `update`. */
  readonly event?: string;
  /** Text, such as HTML for htmx, or any JSON value, which pages get as its JSON text. */
  readonly data: unknown;
  /** Becomes the page's `lastEventId`, one line. */
  readonly id?: string | number;
  /** Reconnection time for the browser, whole milliseconds. */
  readonly retry?: number;
}

export type PublisherOptions =
  /** A connection of the publisher's own, which pipelines by itself what is published in one turn of the event loop. */
  | { readonly url: string; readonly client?: undefined }
  /** A client of yours. The publisher does not close it. */
  | { readonly client: Pick<Valkey, 'publish'>; readonly url?: undefined };

/** Milliseconds after which a connection of the publisher's own, or a command on it, has failed. */
const TIMEOUT = 5_000;

/**
 * Publishes events to the channels that ssemux carries to browsers.
 *
 * Delivery is at most once, and a message goes to whoever is subscribed at that moment, as with Valkey's PUBLISH.
 */
export class Publisher {
  readonly #client: Pick<Valkey, 'publish'>;
  readonly #own: Valkey | undefined;
  /** Why the connection of the publisher's own is away. */
  #trouble: Error | undefined = undefined;
  readonly #unanswered = new Set<Promise<number>>();

  /** @throws {Error} for a URL that is none of `valkey://`, `valkeys://`, `redis://`, `rediss://` */
  constructor(options: PublisherOptions) {
    if (options.client !== undefined) {
      this.#client = options.client;
      return;
    }
    this.#own = new Valkey({
      ...parseValkeyUrl(options.url),
      enableAutoPipelining: true,
      maxRetriesPerRequest: 0, // sent again after a lost connection, a message could come twice
      connectTimeout: TIMEOUT,
      commandTimeout: TIMEOUT,
      connectionName: 'ssemux-publisher',
    });
    this.#own.on('error', (error: Error) => {
      this.#trouble = error; // the promises only say that they failed
    });
    this.#own.on('ready', () => {
      this.#trouble = undefined;
    });
    this.#client = this.#own;
  }

  /**
   * Publishes one event and answers how many subscribers Valkey handed it to: gateways, not browsers.
   *
   * @throws {TypeError} for a channel, event name, id or retry that cannot be sent, and what would be right
   * @throws {Error} if Valkey cannot be reached, does not answer for 5 s, or refuses; the message may have gone out all the same
   */
  async publish(channel: string, { event, data, id, retry }: PublisherEvent): Promise<number> {
    const problem = channelProblem(channel);
    if (problem !== undefined) throw new TypeError(`channel ${JSON.stringify(channel)} ${problem}`);
    const envelope = { event_type: event, data, id, retry };
    const result = envelopeToEvent(envelope);
    if ('invalid' in result) {
      const { field, problem } = result.invalid;
      throw new TypeError(`${field === 'event_type' ? 'event' : field} ${problem}`);
    }
    const answer = this.#client.publish(channel, encodeEnvelope(envelope));
    this.#unanswered.add(answer);
    try {
      return await answer;
    } catch (error) {
      const cause = this.#trouble ?? (error as Error);
      throw new Error(`not published, or not known to be: ${cause.message}`, { cause });
    } finally {
      this.#unanswered.delete(answer);
    }
  }

  /**
   * Tells how far a task is: event `progress` on `task:<id>`, whose data is a `<progress>` element and then `html`.
   *
   * @param percent 0 to 100
   * @throws {TypeError} for any other percent
   */
  async progress(taskId: string, percent: number, html: string): Promise<number> {
    if (!(percent >= 0 && percent <= 100))
      throw new TypeError(`percent must be from 0 to 100, not ${percent}`);
    const bar = `<progress max="100" value="${percent}"></progress>`;
    return this.publish(`task:${taskId}`, { event: 'progress', data: bar + html });
  }

  /** Tells that a task is done: event `complete` on `task:<id>`, whose data is `html`. */
  async complete(taskId: string, html: string): Promise<number> {
    return this.publish(`task:${taskId}`, { event: 'complete', data: html });
  }

  /** Waits for what was published before, and closes the connection if it is the publisher's own. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#unanswered);
    this.#own?.disconnect();
  }
}
