import type { CloseReason } from '../sse/reasons.ts';
import type { Audience, Delivery } from './audience.ts';

/**
 * Writes per slice. Between slices the event loop reads sockets, so this bounds what a small channel waits for a big one.
 * See docs/adr/0003-batching-and-slices.md for how it was chosen.
 */
const SLICE = 128;

/** Bytes of frames not yet begun, above which sources are paused and below which they go on. */
const BACKLOG_HIGH = 32 * 1024 ** 2;
const BACKLOG_LOW = 16 * 1024 ** 2;

/** Where frames come from. Paused, it lets the broker or the publisher wait. */
export interface Source {
  pause(): void;
  resume(): void;
}

/** A frame that must not overtake: how many frames of which audiences are to be written before it. */
interface Postponed {
  readonly audience: Audience;
  readonly frame: Uint8Array;
  readonly before: Map<Audience, number>;
}

/**
 * Hands frames to audiences. A frame is not written when it comes: an idle fan-out begins when the code that reads the
 * socket is done, a busy one goes on with the event loop's next turn. So whatever came with one read, or during a fan-out,
 * leaves as one write per connection. Audiences take turns, slice by slice.
 */
export class FanOut {
  readonly #delivery: Delivery;
  /** Audiences with something to write. Taken from the front and put back at the end, the Set is a ring. */
  readonly #waiting = new Set<Audience>();
  /** Also waiting: the one at which the last slice ended. It goes behind whoever came meanwhile, not before them. */
  #unfinished: Audience | undefined = undefined;
  #scheduledAt: number | undefined = undefined;
  #backlog = 0;
  readonly #postponed = new Set<Postponed>();
  readonly #paused = new Set<Source>();

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  push(audience: Audience, frame: Uint8Array, source?: Source): void {
    audience.push(frame);
    this.#backlog += frame.length;
    this.#waiting.add(audience);
    this.#schedule(queueMicrotask);
    if (this.#backlog > BACKLOG_HIGH && source !== undefined && !this.#paused.has(source)) {
      this.#paused.add(source);
      source.pause();
    }
  }

  /** Pushes a frame once everything that waits now, for whatever audience, has been written. */
  pushAfterAll(audience: Audience, frame: Uint8Array): void {
    this.#putBackUnfinished();
    const before = new Map([...this.#waiting].map((each) => [each, each.pushed]));
    if (before.size === 0) this.push(audience, frame);
    else this.#postponed.add({ audience, frame, before });
  }

  /** Ends all connections of an audience. */
  end(audience: Audience, reason: CloseReason): void {
    for (const connection of audience.members) this.#delivery.close(connection, reason);
  }

  #schedule(when: (run: () => void) => void): void {
    if (this.#scheduledAt !== undefined) return;
    this.#scheduledAt = performance.now();
    when(this.#run);
  }

  readonly #run = (): void => {
    // The rest of the turn, reading sockets above all, took this long. Taking as long for writes keeps either from starving
    // the other when there is more to do than time; otherwise it is nothing, and one slice is all.
    const begun = performance.now();
    const until = begun + begun - this.#scheduledAt!;
    this.#scheduledAt = undefined;
    try {
      do this.#slice(SLICE);
      while (this.#busy && performance.now() < until);
    } finally {
      if (this.#busy) this.#schedule(setImmediate);
    }
  };

  #slice(budget: number): void {
    this.#putBackUnfinished();
    let left = budget;
    for (const audience of this.#waiting) {
      this.#waiting.delete(audience);
      const before = audience.backlog;
      left -= audience.write(left, this.#delivery);
      this.#backlog -= before - audience.backlog;
      if (left <= 0) {
        if (audience.waiting) this.#unfinished = audience;
        break;
      }
      if (audience.waiting) this.#waiting.add(audience);
    }
    for (const postponed of this.#postponed) this.#pushIfDue(postponed);
    if (this.#paused.size > 0 && this.#backlog < BACKLOG_LOW) {
      for (const source of this.#paused) source.resume();
      this.#paused.clear();
    }
  }

  get #busy(): boolean {
    return this.#unfinished !== undefined || this.#waiting.size > 0;
  }

  #putBackUnfinished(): void {
    if (this.#unfinished !== undefined) this.#waiting.add(this.#unfinished);
    this.#unfinished = undefined;
  }

  #pushIfDue(postponed: Postponed): void {
    const { audience, frame, before } = postponed;
    for (const [each, pushed] of before) if (each.written >= pushed) before.delete(each);
    if (before.size > 0) return;
    this.#postponed.delete(postponed);
    this.push(audience, frame);
  }
}
