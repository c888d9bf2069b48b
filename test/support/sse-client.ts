import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { waitFor } from './wait.ts';

export interface SseClientOptions {
  headers?: Record<string, string>;
  /** Called for each event, in place of keeping it. */
  onEvent?: (event: EventSourceMessage) => void;
}

/** The gateway told the client to come back later. */
export class NotOpened extends Error {}

/** A real SSE client over a socket of its own, whose parser is not ours. It does not reconnect. */
export class SseClient {
  readonly events: EventSourceMessage[] = [];
  readonly comments: string[] = [];
  retry: number | undefined;
  /** Whether the response has ended, for whatever reason. */
  ended = false;
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;

  private constructor(
    request: ClientRequest,
    response: IncomingMessage,
    onEvent?: SseClientOptions['onEvent'],
  ) {
    this.#request = request;
    this.response = response;
    const parser = createParser({
      onEvent: onEvent ?? ((event) => this.events.push(event)),
      onComment: (comment) => this.comments.push(comment),
      onRetry: (retry) => {
        this.retry = retry;
      },
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => parser.feed(text));
    response.on('close', () => {
      this.ended = true;
    });
    response.on('error', () => {});
  }

  /** Resolves with the head of the response. */
  static request(url: string, { headers = {}, onEvent }: SseClientOptions = {}): Promise<SseClient> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: false, headers }, (response) =>
        resolve(new SseClient(request, response, onEvent)),
      );
      request.on('error', reject);
    });
  }

  /**
   * Opens a stream of these channels and resolves once its first bytes are there.
   *
   * @throws {NotOpened}
   */
  static async open(
    base: string,
    channels: readonly string[],
    options: SseClientOptions = {},
  ): Promise<SseClient> {
    const query = channels.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&');
    const client = await SseClient.request(`${base}/events?${query}`, options);
    if (client.response.statusCode !== 200) throw new Error(`status ${client.response.statusCode}`);
    await waitFor(() => client.comments.includes('open') || client.ended, 'the stream is open');
    if (client.ended) throw new NotOpened(client.comments.join());
    return client;
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  close(): void {
    this.#request.destroy();
  }
}
