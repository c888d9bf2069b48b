import { nowUs } from '../load/clock.ts';
import { firstChannelOf, messagesOn, neverReads } from '../load/flow.ts';
import type { OpenStreams, Published } from '../load/messages.ts';
import { dueBy } from '../load/pacer.ts';
import type { Sequence } from '../load/sequence.ts';
import type { Stream } from './stream.ts';

/** A server this far behind has lost what it owes, for all that a client can tell. */
const OVERDUE_US = 5_000_000;

export interface Losses {
  lost: number;
  duplicated: number;
  reordered: number;
}

/** A place in the crowd: which of the flow's streams it is, and who holds it just now. */
export class Seat {
  readonly job: OpenStreams;
  readonly index: number;
  stream: Stream;
  /** Someone has left and the next is not in yet. */
  changing = false;

  constructor(job: OpenStreams, index: number, stream: Stream) {
    this.job = job;
    this.index = index;
    this.stream = stream;
    if (this.neverReads) stream.pause();
  }

  get neverReads(): boolean {
    return neverReads(this.job.flow, this.index);
  }

  /** Whether the last message that one of its channels owes it is still to come. */
  isBehind(published: Published): boolean {
    if (this.neverReads) return false;
    const before = this.dueBy(this.stream.openedUs, published);
    return this.stream.sequences.some((sequence, i) => {
      const all = this.messagesOn(i, published.messages);
      return this.messagesOn(i, before) < all && !sequence.hasReached(all);
    });
  }

  /** What went wrong for who holds it now: what was due after the stream was open must have come. */
  count(losses: Losses, published: Published): void {
    this.add(losses, published, (sequence, i, from) =>
      sequence.lost(from, this.messagesOn(i, published.messages)),
    );
  }

  /**
   * The same when a client leaves. What was under way to it is no loss: only what is missing before the last message it
   * saw, or, if it saw none, what was due seconds ago.
   */
  leave(losses: Losses, published: Published): void {
    this.stream.leave();
    const overdue = this.dueBy(nowUs() - OVERDUE_US, published);
    this.add(losses, published, (sequence, i, from) =>
      sequence.lostUntilLast(from, this.messagesOn(i, overdue)),
    );
  }

  /** The next client sits down. */
  take(stream: Stream): void {
    this.stream = stream;
    this.changing = false;
    if (this.neverReads) stream.pause();
  }

  /** `lost` tells how much of one channel, of whose messages those from number `from` on were owed. */
  private add(
    losses: Losses,
    published: Published,
    lost: (sequence: Sequence, channel: number, from: number) => number,
  ): void {
    if (this.neverReads) return;
    const before = this.dueBy(this.stream.openedUs, published);
    for (const [i, sequence] of this.stream.sequences.entries()) {
      losses.lost += lost(sequence, i, this.messagesOn(i, before));
      losses.duplicated += sequence.duplicated;
      losses.reordered += sequence.reordered;
    }
  }

  private dueBy(us: number, { startUs, messages }: Published): number {
    return dueBy(us, startUs, this.job.flow.rate, messages);
  }

  private messagesOn(i: number, total: number): number {
    const { flow } = this.job;
    return messagesOn(flow, (firstChannelOf(flow, this.index) + i) % flow.channels, total);
  }
}
