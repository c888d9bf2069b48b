import { setTimeout as sleep } from 'node:timers/promises';
import { parseCookie } from 'cookie';
import Negotiator from 'negotiator';
import { type Authorize, DECISION, type Decision } from '../access/authorizer.ts';
import { BrokerRefused, BrokerUnavailable } from '../broker/broker.ts';
import { channelProblem } from '../broker/channel.ts';
import type { Log, RateLimitedLog } from '../log.ts';
import { Connection } from '../sse/connection.ts';
import { encodeRetry } from '../sse/frame.ts';
import { REJECT_REASONS, type RejectReason } from '../sse/reasons.ts';
import { jitteredRetry, type Registry } from '../sse/registry.ts';
import type { SubscriptionManager } from '../subscriptions/manager.ts';
import { Problem } from './problem.ts';
import { type Exchange, STREAM_HEADERS } from './uws-exchange.ts';

export interface EventsOptions {
  readonly registry: Registry;
  readonly subscriptions: SubscriptionManager;
  /** Decides about each stream; without it, everybody may have every channel. */
  readonly authorize: Authorize | undefined;
  /** Channels of one stream at most. */
  readonly maxChannels: number;
  readonly log: Log;
  readonly rateLimited: RateLimitedLog;
}

/** Milliseconds that an authorizer may take. */
const AUTHORIZE_DEADLINE = 10_000;

/** The gateway cannot serve the stream just now: the browser is to come back by itself. */
class NotNow extends Error {
  readonly reason: RejectReason;

  constructor(reason: RejectReason, detail: string = REJECT_REASONS[reason]) {
    super(detail);
    this.reason = reason;
  }
}

const REASON_OF_STATUS: Readonly<Record<number, RejectReason>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  406: 'not_acceptable',
};

/**
 * `GET /events?channel=order:123&channel=project:456`: the stream.
 *
 * 400, 401, 403 and 406 are final. What may pass is answered 200 with `retry:` and the end, because an EventSource gives
 * up for good on any other status (WHATWG HTML, section 9.2.3).
 */
export async function events(exchange: Exchange, options: EventsOptions): Promise<void> {
  const { registry, log } = options;
  const reject = (reason: RejectReason) => {
    registry.rejected[reason]++;
    log.debug({ reason }, 'stream not opened');
  };
  try {
    if (!(await open(exchange, options))) reject('client_gone');
  } catch (error) {
    if (error instanceof NotNow) {
      reject(error.reason);
      exchange.reply(200, STREAM_HEADERS, encodeRetry(jitteredRetry(), error.message), { close: true });
      return;
    }
    if (error instanceof Problem) reject(REASON_OF_STATUS[error.status] ?? 'bad_request');
    throw error;
  }
}

/** Returns false if the client has left meanwhile. */
async function open(exchange: Exchange, options: EventsOptions): Promise<boolean> {
  const { registry, subscriptions } = options;
  const asked = readChannels(exchange.query, options);
  if (!new Negotiator({ headers: exchange.headers }).mediaType(['text/event-stream'])) {
    throw new Problem(406, 'must allow text/event-stream, the only type of this resource', 'Accept');
  }
  if (exchange.method === 'HEAD') {
    exchange.reply(200, STREAM_HEADERS);
    return true;
  }

  const refused = registry.admit();
  if (refused !== undefined) throw new NotNow(refused);
  let opened = false;
  try {
    const { channels, user } = await authorized(exchange, asked, options);
    if (exchange.aborted) return false;
    const subscription = await subscriptions.subscribe(channels).catch(toClientError);
    if (exchange.aborted) {
      subscription.close();
      return false;
    }
    if (registry.draining) {
      subscription.close();
      throw new NotNow('draining');
    }
    opened = true;
    const stream = exchange.toStream(registry);
    const connection = new Connection(stream, registry);
    stream.connection = connection;
    connection.subscription = subscription;
    connection.user = user;
    try {
      registry.open(connection);
      subscription.deliverTo(connection);
    } catch (error) {
      registry.fail(connection, error);
    }
    return true;
  } finally {
    if (!opened) registry.dismiss();
  }
}

/** The distinct channels that the query names. */
function readChannels(query: string, options: EventsOptions): string[] {
  const named: string[] = [];
  for (const pair of query.split('&')) {
    const [match, value = ''] = /^channel(?:=(.*))?$/.exec(pair) ?? [];
    if (match === undefined) continue;
    try {
      named.push(decodeURIComponent(value.replaceAll('+', ' ')));
    } catch {
      throw new Problem(400, `"${value}" is not percent-encoded UTF-8`, 'channel');
    }
  }
  return checkChannels(named, options);
}

function checkChannels(named: readonly unknown[], { authorize, maxChannels }: EventsOptions): string[] {
  const channels = new Set<string>();
  for (const channel of named) {
    const problem = channelProblem(channel);
    if (problem !== undefined) throw new Problem(400, `${JSON.stringify(channel)} ${problem}`, 'channel');
    channels.add(channel as string);
  }
  if (channels.size === 0 && authorize === undefined) {
    throw new Problem(
      400,
      'name at least one channel, as in /events?channel=order:123&channel=project:456',
      'channel',
    );
  }
  if (channels.size > maxChannels) {
    throw new Problem(400, `at most ${maxChannels} channels for one stream, not ${channels.size}`, 'channel');
  }
  return [...channels];
}

/** The channels that the client may have. */
async function authorized(
  exchange: Exchange,
  asked: string[],
  options: EventsOptions,
): Promise<{ channels: string[]; user: string | undefined }> {
  if (options.authorize === undefined) return { channels: asked, user: undefined };
  let decision: Decision;
  let channels: string[];
  try {
    decision = await decide(options.authorize, exchange, asked);
    channels = checkChannels(decision.allow ? (decision.channels ?? asked) : [], options);
  } catch (error) {
    options.rateLimited.run('authorizer', (suppressed) =>
      options.log.error({ err: error, ...suppressed }, 'the authorizer failed, so a stream was not opened'),
    );
    throw new NotNow('authorizer_failed');
  }
  if (!decision.allow) throw new Problem(decision.status, decision.reason ?? 'not allowed');
  if (channels.length === 0) throw new Problem(403, 'none of the channels is allowed', 'channel');
  return { channels, user: decision.user };
}

async function decide(authorize: Authorize, exchange: Exchange, channels: string[]): Promise<Decision> {
  const { headers, ip } = exchange;
  const deadline = new AbortController();
  try {
    const decision: unknown = await Promise.race([
      authorize({
        channels,
        headers,
        ip,
        cookies: parseCookie(headers.cookie ?? ''),
        origin: headers.origin,
      }),
      sleep(AUTHORIZE_DEADLINE, undefined, { signal: deadline.signal }),
    ]);
    return DECISION.parse(decision);
  } finally {
    deadline.abort();
  }
}

function toClientError(error: unknown): never {
  if (error instanceof BrokerUnavailable) throw new NotNow('broker_unavailable');
  if (error instanceof BrokerRefused)
    throw new Problem(403, 'the broker does not allow one of the channels', 'channel');
  throw error;
}
