const LF = 0x0a;
const STATUS = /^HTTP\/1\.[01] (\d{3})( |$)/;
const LENGTH = /^content-length:[ \t]*(\d+)[ \t]*$/i;
const CHUNKED = /^transfer-encoding:.*\bchunked[ \t]*$/i;
const CHUNK = /^[0-9a-f]{1,8}(?=[ \t;]|$)/i;

type Phase = 'status' | 'fields' | 'body' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers';

/**
 * Reads the answers of one HTTP/1.1 connection to pipelined requests (RFC 9112), however they are cut into reads, and
 * tells the status of each once its body is over. What is in a body is not looked at.
 */
export class AnswerReader {
  private phase: Phase = 'status';
  /** The beginning of a line whose end has not come yet. */
  private held = '';
  private status = 0;
  private chunked = false;
  /** Bytes still to come of the body or chunk; null while the answer has not told. */
  private left: number | null = null;
  private readonly answered: (status: number) => void;

  constructor(answered: (status: number) => void) {
    this.answered = answered;
  }

  /** @throws when the bytes are not such answers: where the next one begins is unknown from then on */
  read(bytes: Buffer): void {
    let i = 0;
    while (i < bytes.length) {
      if (this.phase === 'body' || this.phase === 'chunk') {
        const taken = Math.min(this.left!, bytes.length - i);
        this.left! -= taken;
        i += taken;
        if (this.left === 0) this.endBytes();
        continue;
      }
      const end = bytes.indexOf(LF, i);
      this.held += bytes.toString('latin1', i, end === -1 ? bytes.length : end);
      if (end === -1) return;
      i = end + 1;
      const line = this.held.endsWith('\r') ? this.held.slice(0, -1) : this.held;
      this.held = '';
      this.readLine(line);
    }
  }

  private readLine(line: string): void {
    if (this.phase === 'status') this.readStatus(line);
    else if (this.phase === 'chunk size') this.beginChunk(line);
    else if (this.phase === 'chunk end') this.endChunk(line);
    else if (this.phase === 'trailers' && line === '') this.endAnswer();
    else if (this.phase === 'fields' && line === '') this.beginBody();
    else if (this.phase === 'fields') this.readField(line);
  }

  private readStatus(line: string): void {
    const status = STATUS.exec(line)?.[1];
    if (status === undefined) throw new Error(`not a status line: ${line.slice(0, 80)}`);
    this.status = Number(status);
    this.chunked = false;
    this.left = null;
    this.phase = 'fields';
  }

  private readField(line: string): void {
    const length = LENGTH.exec(line)?.[1];
    if (length !== undefined) this.left = Number(length);
    else if (CHUNKED.test(line)) this.chunked = true;
  }

  private beginBody(): void {
    // Section 6.3: some answers never have a body, and chunked coding goes before a length.
    if (this.status < 200)
      this.phase = 'status'; // an interim answer: the one that counts follows
    else if (this.status === 204 || this.status === 304) this.endAnswer();
    else if (this.chunked) this.phase = 'chunk size';
    else if (this.left === null)
      throw new Error(`an answer (${this.status}) that only ends with its connection`);
    else if (this.left === 0) this.endAnswer();
    else this.phase = 'body';
  }

  private beginChunk(line: string): void {
    const size = CHUNK.exec(line)?.[0];
    if (size === undefined) throw new Error(`not a chunk size: ${line.slice(0, 80)}`);
    this.left = Number.parseInt(size, 16);
    this.phase = this.left === 0 ? 'trailers' : 'chunk';
  }

  private endChunk(line: string): void {
    if (line !== '') throw new Error('a chunk is longer than it said');
    this.phase = 'chunk size';
  }

  private endBytes(): void {
    if (this.phase === 'chunk') this.phase = 'chunk end';
    else this.endAnswer();
  }

  private endAnswer(): void {
    this.phase = 'status';
    this.answered(this.status);
  }
}
