import { MARKER_BYTES, readDigits, SEQUENCE_AT, SEQUENCE_DIGITS, TIME_DIGITS } from './marker.ts';

const AT = 0x40;
const HASH = 0x23;
const CR = 0x0d;
const LF = 0x0a;

export interface MarkerSink {
  marker(scheduledUs: number, sequence: number): void;
  malformed(): void;
}

/**
 * Finds markers in one stream's bytes, however they are cut into reads and HTTP chunks. A chunk boundary inside a
 * marker is CR LF, hex digits, CR LF; a marker holds neither, so both are stepped over.
 */
export class MarkerScanner {
  /** Bytes of padding still to come after the last marker: never looked at, which is most of what arrives. */
  private skip = 0;
  private held: Uint8Array | null = null;
  private heldBytes = 0;
  private lineFeedsToPass = 0;
  private readonly padding: number;

  constructor(messageBytes: number) {
    this.padding = messageBytes - MARKER_BYTES;
  }

  scan(bytes: Uint8Array, length: number, sink: MarkerSink): void {
    let i = this.heldBytes > 0 ? this.resume(bytes, 0, length, sink) : this.skip;
    while (i < length) {
      if (bytes[i] !== AT) {
        i++;
      } else if (i + MARKER_BYTES <= length && isMarker(bytes, i)) {
        emit(bytes, i, sink);
        i += MARKER_BYTES + this.padding;
      } else {
        i = this.resume(bytes, i, length, sink);
      }
    }
    this.skip = i - length;
  }

  /** The rare way: a marker cut in two, collected byte by byte. Returns where scanning goes on. */
  private resume(bytes: Uint8Array, from: number, length: number, sink: MarkerSink): number {
    this.held ??= new Uint8Array(MARKER_BYTES);
    for (let i = from; i < length; i++) {
      const byte = bytes[i]!;
      if (this.lineFeedsToPass > 0) {
        if (byte === LF) this.lineFeedsToPass--;
      } else if (byte === CR) {
        this.lineFeedsToPass = 2;
      } else {
        this.held[this.heldBytes++] = byte;
        if (this.heldBytes === MARKER_BYTES) {
          this.heldBytes = 0;
          if (!isMarker(this.held, 0)) sink.malformed();
          else emit(this.held, 0, sink);
          return i + 1 + this.padding;
        }
      }
    }
    return length;
  }
}

function isMarker(bytes: Uint8Array, at: number): boolean {
  return bytes[at + SEQUENCE_AT - 1] === HASH && bytes[at + MARKER_BYTES - 1] === AT;
}

function emit(bytes: Uint8Array, at: number, sink: MarkerSink): void {
  sink.marker(readDigits(bytes, at + 1, TIME_DIGITS), readDigits(bytes, at + SEQUENCE_AT, SEQUENCE_DIGITS));
}
