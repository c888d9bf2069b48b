const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

export interface BodySink {
  /** The bytes from `from` to `to` are body. */
  feed(bytes: Uint8Array, from: number, to: number): void;
}

type Phase = 'size' | 'extension' | 'data' | 'after data' | 'over' | 'broken';

/** Takes HTTP/1.1 chunked coding (RFC 9112 section 7.1) off a body, however it is cut into reads. */
export class ChunkedReader {
  private phase: Phase = 'size';
  /** The size being read, then what is to come of the chunk. */
  private left = 0;
  private digits = 0;

  /** Whether the last chunk has come: the body is complete. */
  get over(): boolean {
    return this.phase === 'over';
  }

  get broken(): boolean {
    return this.phase === 'broken';
  }

  read(bytes: Uint8Array, from: number, to: number, body: BodySink): void {
    let i = from;
    while (i < to) {
      switch (this.phase) {
        case 'data': {
          const end = Math.min(to, i + this.left);
          body.feed(bytes, i, end);
          this.left -= end - i;
          i = end;
          if (this.left === 0) this.phase = 'after data';
          break;
        }
        case 'size':
          this.readSize(bytes[i++]!);
          break;
        case 'extension':
          if (bytes[i++] === LF) this.beginData();
          break;
        case 'after data': {
          const byte = bytes[i++];
          if (byte === LF) this.phase = 'size';
          else if (byte !== CR) this.phase = 'broken';
          break;
        }
        default:
          return; // trailers, or bytes that cannot be understood any more
      }
    }
  }

  private readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.left = this.left * 16 + digit;
      this.digits++;
      if (this.digits > 8) this.phase = 'broken';
    } else if (this.digits === 0) {
      this.phase = 'broken';
    } else if (byte === LF) {
      this.beginData();
    } else if (byte === SEMICOLON) {
      this.phase = 'extension';
    } else if (byte !== CR) {
      this.phase = 'broken';
    }
  }

  private beginData(): void {
    this.digits = 0;
    this.phase = this.left === 0 ? 'over' : 'data';
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
