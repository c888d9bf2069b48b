import type { BodySink } from './chunked.ts';
import { CHANNEL_END, MARKER_BYTES, SEQUENCE_END, TIME_END } from './marker.ts';

const CR = 0x0d;
const LF = 0x0a;
const AT = 0x40;
const HASH = 0x23;
const ZERO = 0x30;
const DATA = Uint8Array.from('data:', (char) => char.charCodeAt(0));
const IN_DATA = DATA.length;
const IN_OTHER_FIELD = IN_DATA + 1;

export interface EventSink {
  /** An event was dispatched that carries a message. */
  message(scheduledUs: number, sequence: number, channel: number): void;
  /** An event of another kind was dispatched: a greeting, a ping, a `resync`. */
  other(): void;
  /** Two messages in one event: the end of one was lost. */
  malformed(): void;
}

/**
 * An incremental parser of event streams (WHATWG HTML section 9.2.6) that keeps of each event only the marker in its
 * data, as numbers: no string and no object is made per event, and a cut anywhere costs nothing.
 */
export class EventParser implements BodySink {
  /** Characters of `data:` that the line began with; then IN_DATA, or IN_OTHER_FIELD. */
  private line = 0;
  private afterCR = false;
  private hasData = false;
  private hasMessage = false;
  /** Bytes of padding that follow the marker: never looked at, which is most of what arrives. */
  private skip = 0;
  /** Bytes of a marker read so far. */
  private marker = 0;
  private time = 0;
  private sequence = 0;
  private channel = 0;
  private readonly padding: number;
  private readonly sink: EventSink;

  constructor(messageBytes: number, sink: EventSink) {
    this.padding = messageBytes - MARKER_BYTES;
    this.sink = sink;
  }

  feed(bytes: Uint8Array, from: number, to: number): void {
    let i = from;
    while (i < to) {
      if (this.skip > 0) {
        const skipped = Math.min(this.skip, to - i);
        this.skip -= skipped;
        i += skipped;
        continue;
      }
      const byte = bytes[i++]!;
      if (byte === LF || byte === CR) {
        if (byte === CR || !this.afterCR) this.endLine();
        this.afterCR = byte === CR;
        continue;
      }
      this.afterCR = false;
      if (this.line === IN_DATA) this.readData(byte);
      else if (this.line < IN_DATA) this.line = byte === DATA[this.line] ? this.line + 1 : IN_OTHER_FIELD;
    }
  }

  private endLine(): void {
    // `data` without a colon is a field of that name with an empty value.
    if (this.line === IN_DATA || this.line === IN_DATA - 1) this.hasData = true;
    else if (this.line === 0) this.dispatch();
    this.line = 0;
    this.marker = 0;
  }

  private dispatch(): void {
    if (this.hasMessage) this.sink.message(this.time, this.sequence, this.channel);
    else if (this.hasData) this.sink.other();
    this.hasData = false;
    this.hasMessage = false;
  }

  private readData(byte: number): void {
    const at = this.marker;
    if (at === 0) {
      if (byte === AT) this.beginMarker();
    } else if (at === TIME_END || at === SEQUENCE_END) {
      this.marker = byte === HASH ? at + 1 : 0;
    } else if (at === CHANNEL_END) {
      this.marker = 0;
      if (byte === AT) this.endMarker();
    } else {
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9) this.marker = 0;
      else this.readDigit(at, digit);
    }
  }

  private beginMarker(): void {
    if (this.hasMessage) this.sink.malformed();
    this.hasMessage = false;
    this.time = 0;
    this.sequence = 0;
    this.channel = 0;
    this.marker = 1;
  }

  private readDigit(at: number, digit: number): void {
    if (at < TIME_END) this.time = this.time * 10 + digit;
    else if (at < SEQUENCE_END) this.sequence = this.sequence * 10 + digit;
    else this.channel = this.channel * 10 + digit;
    this.marker = at + 1;
  }

  private endMarker(): void {
    this.hasMessage = true;
    this.skip = this.padding;
  }
}
