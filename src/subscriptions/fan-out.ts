import type { Audience, Delivery } from './audience.ts';

/**
 * Writes per slice. Between slices the event loop reads sockets, so this bounds what a small channel waits for a big one.
 * See docs/adr/0003-batching-and-slices.md for how it was chosen.
 */
const SLICE = 128;

/**
 * Hands frames to audiences. A frame is not written when it comes but in the event loop's next turn, so whatever came with
 * one socket read, or during a fan-out, leaves as one write per connection. Audiences take turns, slice by slice.
 */
export class FanOut {
  readonly #delivery: Delivery;
  /** Audiences with something to write. Taken from the front and put back at the end, the Set is a ring. */
  readonly #waiting = new Set<Audience>();
  #scheduled = false;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  push(audience: Audience, frame: Uint8Array): void {
    audience.push(frame);
    this.#waiting.add(audience);
    this.#schedule();
  }

  /** Writes everything at once: for the rare message that must not overtake nor be overtaken. */
  flush(): void {
    while (this.#waiting.size > 0) this.#slice(Number.POSITIVE_INFINITY);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    try {
      this.#slice(SLICE);
    } finally {
      if (this.#waiting.size > 0) this.#schedule();
    }
  };

  #slice(budget: number): void {
    let left = budget;
    for (const audience of this.#waiting) {
      this.#waiting.delete(audience);
      left -= audience.write(left, this.#delivery);
      if (audience.waiting) this.#waiting.add(audience);
      if (left <= 0) return;
    }
  }
}
