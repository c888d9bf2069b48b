/** Checks that one stream sees 0, 1, 2, ... each once and in order, and names what went wrong if not. */
export class Sequence {
  duplicated = 0;
  reordered = 0;
  private next = 0;
  private missing: Set<number> | null = null;

  see(sequence: number): void {
    if (sequence === this.next) this.next++;
    else this.unexpected(sequence);
  }

  /** Messages that never came, when `expected` were published. */
  lost(expected: number): number {
    return (this.missing?.size ?? 0) + Math.max(0, expected - this.next);
  }

  private unexpected(sequence: number): void {
    if (sequence > this.next) {
      this.missing ??= new Set();
      while (this.next < sequence) this.missing.add(this.next++);
      this.next++;
    } else if (this.missing?.delete(sequence)) {
      this.reordered++;
    } else {
      this.duplicated++;
    }
  }
}
