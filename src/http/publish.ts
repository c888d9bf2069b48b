import { createHash, timingSafeEqual } from 'node:crypto';
import { isMeantForLoopback } from '../access/loopback.ts';
import type { Broker } from '../broker/broker.ts';
import { channelProblem } from '../broker/channel.ts';
import { type EnvelopeResult, encodeEnvelope, envelopeToEvent } from '../broker/envelope.ts';
import { Problem, toProblem } from './problem.ts';
import type { Exchange } from './uws-exchange.ts';

export interface PublishOptions {
  readonly broker: Broker;
  /** What a publisher has to show. */
  readonly publishKey: string | undefined;
  /** Whether programs of this machine may publish while there is no key: on loopback. */
  readonly openWithoutKey: boolean;
  /** Bytes of a request's body at most. */
  readonly maxBody: number;
  /** Channels of one request at most. */
  readonly maxChannels: number;
}

/**
 * `POST /publish` with JSON `{"channel":"order:123"}` or `{"channels":[...]}` and the fields of an envelope. Answers
 * `{"receivers":n}`: the sessions, of all gateways, that the broker handed it to, summed over the channels.
 */
export async function publish(exchange: Exchange, options: PublishOptions): Promise<void> {
  authenticate(exchange.headers, options);
  const [type = ''] = (exchange.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') {
    throw new Problem(415, 'must be application/json', 'Content-Type');
  }
  const { channels, payload } = readRequest(await exchange.readBody(options.maxBody), options.maxChannels);
  const receivers = await publishToAll(channels, payload, options.broker);
  exchange.reply(200, { 'Content-Type': 'application/json' }, `${JSON.stringify({ receivers })}\n`);
}

/** Answers the receivers, summed; when some channels fail, says which did and which did not. */
async function publishToAll(channels: string[], payload: Buffer, broker: Broker): Promise<number> {
  const results = await Promise.allSettled(channels.map((channel) => broker.publish(channel, payload)));
  const failed = channels.filter((_, index) => results[index]!.status === 'rejected');
  if (failed.length === 0)
    return results.reduce((sum, result) => sum + (result as { value: number }).value, 0);
  const { reason } = results.find((result) => result.status === 'rejected')!;
  if (failed.length === channels.length) throw reason;
  const { status } = toProblem(reason);
  const sent = channels.filter((channel) => !failed.includes(channel));
  throw new Problem(status, `published to ${sent.join(', ')}; failed for ${failed.join(', ')}`, 'channels');
}

/** Compares digests: that takes the same time whatever the key. */
function authenticate(
  headers: Exchange['headers'],
  { publishKey: key, openWithoutKey }: PublishOptions,
): void {
  if (key === undefined) {
    if (openWithoutKey && isMeantForLoopback(headers)) return;
    throw new Problem(
      403,
      'publishing over HTTP from elsewhere needs a publish key; none is set (SSEMUX_PUBLISH_KEY)',
    );
  }
  const [, token = ''] = /^Bearer +(.+)$/i.exec(headers.authorization ?? '') ?? [];
  if (timingSafeEqual(sha256(token), sha256(key))) return;
  throw new Problem(401, 'must be "Bearer" and the publish key', 'Authorization', {
    'WWW-Authenticate': 'Bearer',
  });
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const FIELDS = ['channel', 'channels', 'event_type', 'data', 'id', 'retry'];

function readRequest(body: Buffer, maxChannels: number): { channels: string[]; payload: Buffer } {
  const request = parseObject(body);
  for (const field of Object.keys(request)) {
    if (!FIELDS.includes(field)) {
      throw new Problem(400, `unknown field; the fields are ${FIELDS.join(', ')}`, field);
    }
  }
  const { channel, channels, ...envelope } = request;
  return { channels: readChannels(channel, channels, maxChannels), payload: toPayload(envelope) };
}

function toPayload(envelope: Record<string, unknown>): Buffer {
  let result: EnvelopeResult;
  try {
    result = envelopeToEvent(envelope);
    if ('event' in result) return encodeEnvelope(envelope);
  } catch {
    throw new Problem(400, 'is nested too deeply', 'data'); // JSON.stringify recurses where JSON.parse does not
  }
  const { field, problem } = result.invalid;
  throw new Problem(400, `${JSON.stringify(envelope[field])}: ${problem}`, field);
}

function parseObject(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    throw new Problem(400, `must be JSON: ${(error as Error).message}`, 'body');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem(400, 'must be a JSON object such as {"channel":"order:123","data":"hello"}', 'body');
  }
  return value as Record<string, unknown>;
}

function readChannels(channel: unknown, channels: unknown, max: number): string[] {
  if ((channel === undefined) === (channels === undefined)) {
    throw new Problem(400, 'give either "channel", a string, or "channels", a list of strings', 'channel');
  }
  const field = channel === undefined ? 'channels' : 'channel';
  const named = channel === undefined ? channels : [channel];
  if (!Array.isArray(named) || named.length === 0 || named.length > max) {
    throw new Problem(400, `must be a list of 1 to ${max} channels`, field);
  }
  for (const name of named) {
    const problem = channelProblem(name);
    if (problem !== undefined) throw new Problem(400, `${JSON.stringify(name)} ${problem}`, field);
  }
  return [...new Set(named)];
}
