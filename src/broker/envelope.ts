import { isFieldSafe, type SseEvent } from '../sse/frame.ts';

/**
 * The payload of a Valkey message: JSON `{"event_type":"status","data":"<b>Shipped</b>","id":"42","retry":5000}`, every
 * field optional. A field that is null counts as absent, except `data`.
 */
export interface Envelope {
  /** Name of the event. Default (and for an empty name): `update`. */
  readonly event_type?: string | undefined;
  /** Text, or any JSON value, which is sent as its JSON text. Default: empty. */
  readonly data?: unknown;
  /** Number or text that becomes the page's `lastEventId`. */
  readonly id?: string | number | undefined;
  /** Reconnection time for the browser, whole milliseconds. */
  readonly retry?: number | undefined;
}

/** A field of an envelope that cannot be sent. */
export interface InvalidField {
  readonly field: 'event_type' | 'id' | 'retry';
  /** What would be right, as the end of a sentence. */
  readonly problem: string;
}

export type EnvelopeResult = { readonly event: SseEvent } | { readonly invalid: InvalidField };

const DEFAULT_EVENT = 'update';
const MUST_BE_ONE_LINE = 'must be text without CR, LF or NUL, which would end the line and forge the next';

/** Reads a message's payload. One that is not a JSON object is the data of an `update` event, verbatim. */
export function decodeEnvelope(payload: Buffer): EnvelopeResult {
  const text = payload.toString();
  const object = parseObject(text);
  return object === undefined ? { event: { event: DEFAULT_EVENT, data: text } } : envelopeToEvent(object);
}

/** Applies the defaults of an envelope and checks what goes into lines of its own. */
export function envelopeToEvent(envelope: { readonly [field: string]: unknown }): EnvelopeResult {
  const { data = '' } = envelope;
  const event = envelope.event_type ?? '';
  const id = envelope.id ?? undefined;
  const retry = envelope.retry ?? undefined;

  if (typeof event !== 'string' || !isFieldSafe(event)) {
    return { invalid: { field: 'event_type', problem: MUST_BE_ONE_LINE } };
  }
  if (id !== undefined && !Number.isFinite(id) && (typeof id !== 'string' || !isFieldSafe(id))) {
    return { invalid: { field: 'id', problem: MUST_BE_ONE_LINE } };
  }
  if (retry !== undefined && !(typeof retry === 'number' && Number.isSafeInteger(retry) && retry >= 0)) {
    return { invalid: { field: 'retry', problem: 'must be a whole number of milliseconds, 0 or more' } };
  }
  return {
    event: {
      event: event === '' ? DEFAULT_EVENT : event,
      data: typeof data === 'string' ? data : JSON.stringify(data),
      ...(id !== undefined && { id: String(id) }),
      ...(retry !== undefined && { retry }),
    },
  };
}

export function encodeEnvelope(envelope: Envelope): Buffer {
  return Buffer.from(JSON.stringify(envelope));
}

function parseObject(text: string): { [field: string]: unknown } | undefined {
  // Most payloads that are no JSON object show it in their first character, and an exception costs microseconds.
  if (!/^[ \t\r\n]*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
