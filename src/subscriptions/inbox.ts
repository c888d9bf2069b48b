import { decodeEnvelope, type InvalidField } from '../broker/envelope.ts';
import { type Log, RateLimitedLog } from '../log.ts';
import { encodeFrame } from '../sse/frame.ts';

/** Why a message was dropped: a field of its envelope cannot be sent, or something unexpected. */
export type DropReason = `invalid_${InvalidField['field']}` | 'internal_error';

/** Turns the broker's messages into frames, and counts them. */
export class Inbox {
  /** Messages that came from the broker. */
  received = 0;
  /** Messages that were dropped, by reason. */
  readonly dropped: Record<DropReason, number> = {
    invalid_event_type: 0,
    invalid_id: 0,
    invalid_retry: 0,
    internal_error: 0,
  };

  readonly #log: Log;
  readonly #rateLimited = new RateLimitedLog();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The message as a frame; undefined if it cannot be sent, which is then counted and logged. */
  toFrame(channel: string, payload: Buffer): Buffer | undefined {
    try {
      const result = decodeEnvelope(payload);
      if ('event' in result) return encodeFrame(result.event);
      const { field, problem } = result.invalid;
      this.#drop(`invalid_${field}`, channel, `${field} ${problem}`);
    } catch (error) {
      this.#drop('internal_error', channel, String(error));
    }
    return undefined;
  }

  #drop(reason: DropReason, channel: string, detail: string): void {
    this.dropped[reason]++;
    this.#rateLimited.run(reason, (suppressed) =>
      this.#log.warn({ channel, reason, ...suppressed }, `message dropped: ${detail}`),
    );
  }
}
