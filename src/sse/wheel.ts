/**
 * A hashed timer wheel with slots of one second: one timer of the process serves heartbeats and lifetimes of all
 * connections. Adding and deleting cost O(1); an item due beyond the wheel's span is visited at its end, to be added anew.
 */
export class Wheel<T extends { due: number }> {
  readonly #slots: Set<T>[];
  #now: number;

  /**
   * @param span seconds ahead that the wheel can hold
   * @param now the current second
   */
  constructor(span: number, now: number) {
    this.#slots = Array.from({ length: span + 1 }, () => new Set());
    this.#now = now;
  }

  /** Has `item` visited at second `due`, in the next second at the earliest. */
  add(item: T, due: number): void {
    item.due = Math.max(this.#now + 1, Math.min(due, this.#now + this.#slots.length - 1));
    this.#slotAt(item.due).add(item);
  }

  delete(item: T): void {
    this.#slotAt(item.due).delete(item);
  }

  /** Removes and returns what has come due up to second `now`. */
  advance(now: number): T[] {
    const due: T[] = [];
    const last = Math.min(now, this.#now + this.#slots.length); // after a long stall: each slot once
    for (let second = this.#now + 1; second <= last; second++) {
      const slot = this.#slotAt(second);
      for (const item of slot) due.push(item);
      slot.clear();
    }
    this.#now = now;
    return due;
  }

  #slotAt(second: number): Set<T> {
    return this.#slots[second % this.#slots.length]!;
  }
}
