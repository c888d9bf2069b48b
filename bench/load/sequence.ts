/**
 * What one stream sees of one channel: numbers that rise by one, each once. It may begin at any number, as a stream may
 * be opened while messages go out.
 */
export class Sequence {
  duplicated = 0;
  reordered = 0;
  private first = -1;
  private next = 0;
  private missing: Set<number> | null = null;

  see(sequence: number): void {
    if (sequence === this.next && this.first >= 0) this.next++;
    else this.unexpected(sequence);
  }

  /** Whether number `count - 1` has been seen, or a later one. */
  hasReached(count: number): boolean {
    return this.next >= count;
  }

  /** Numbers between the first and the last seen that never came. */
  get gaps(): number {
    return this.missing?.size ?? 0;
  }

  /** Numbers that never came, of those from `from` to the last seen; without any seen, to `end - 1`. */
  lostUntilLast(from: number, end: number): number {
    return this.lost(from, this.first < 0 ? end : 0);
  }

  /** Numbers that never came, of those from `from` to `end - 1`. */
  lost(from: number, end: number): number {
    if (this.first < 0) return Math.max(0, end - from);
    return Math.max(0, this.first - from) + this.gaps + Math.max(0, end - this.next);
  }

  private unexpected(sequence: number): void {
    if (this.first < 0) {
      this.first = sequence;
      this.next = sequence + 1;
    } else if (sequence > this.next) {
      this.miss(this.next, sequence);
      this.next = sequence + 1;
    } else if (sequence < this.first) {
      this.miss(sequence + 1, this.first);
      this.first = sequence;
      this.reordered++;
    } else if (this.missing?.delete(sequence)) {
      this.reordered++;
    } else {
      this.duplicated++;
    }
  }

  private miss(from: number, end: number): void {
    this.missing ??= new Set();
    for (let number = from; number < end; number++) this.missing.add(number);
  }
}
