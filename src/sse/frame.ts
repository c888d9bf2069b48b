/**
 * Events and their encoding as bytes of a `text/event-stream`.
 * Source of the format: WHATWG HTML, section 9.2 "Server-sent events".
 */

/** What a publisher means. */
export interface SseEvent {
  /** Event name; a page listens for it with `addEventListener(event, ...)`. */
  readonly event: string;
  /** Any text. Line breaks (CR, LF, CRLF) reach the page as LF, as the format has no other. */
  readonly data: string;
  /** Becomes the page's `lastEventId`. */
  readonly id?: string;
  /** Reconnection time in milliseconds. */
  readonly retry?: number;
}

const LINE_BREAK = /\r\n|\r|\n/g;
/** What ends a field's line, or (NUL, in an id) makes a browser ignore the field. */
const UNSAFE_IN_FIELD = /[\r\n\0]/;

/** Whether text can stand in an `event:` or `id:` line. Text that cannot would end the line and forge the next. */
export function isFieldSafe(text: string): boolean {
  return !UNSAFE_IN_FIELD.test(text);
}

/**
 * Encodes one event as one block: `event`, `id`, `retry`, then one `data` line per line of data, LF only.
 * There is always a data line, so a block is never "id only" or "event only", which parsers disagree about.
 * Event name and id must be {@link isFieldSafe}; the envelope has seen to that.
 */
export function encodeFrame({ event, data, id, retry }: SseEvent): Buffer {
  let text = `event: ${event}\n`;
  if (id !== undefined) text += `id: ${id}\n`;
  if (retry !== undefined) text += `retry: ${retry}\n`;
  text += `data: ${data.replace(LINE_BREAK, '\ndata: ')}\n\n`;
  return Buffer.from(text);
}

/** A comment line: ignored by browsers, seen by people using curl. */
export function encodeComment(text: string): Buffer {
  return Buffer.from(`: ${text.replace(LINE_BREAK, ' ')}\n\n`);
}

/** Tells the browser how many milliseconds to wait before it reconnects; `why` is a comment for people. */
export function encodeRetry(milliseconds: number, why: string): Buffer {
  return Buffer.concat([encodeComment(why), Buffer.from(`retry: ${Math.round(milliseconds)}\n\n`)]);
}

/** First bytes of every stream: proxies and browsers see at once that it is open. */
export const OPEN_COMMENT: Uint8Array = encodeComment('open');
/** Keeps a quiet stream alive through proxies and shows dead clients. */
export const HEARTBEAT: Uint8Array = Buffer.from(':\n\n');
/** Control event after a gap: messages may have been missed, so the page should fetch its state again. */
export function encodeResync(reason: string): Buffer {
  return encodeFrame({ event: 'resync', data: JSON.stringify({ reason }) });
}
