import { firstChannelOf, messagesOn, neverReads } from '../load/flow.ts';
import type { OpenStreams, Published } from '../load/messages.ts';
import { dueBy } from '../load/pacer.ts';
import type { Stream } from './stream.ts';

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

  /** Whether the last message of one of its channels is still to come. */
  isBehind({ messages }: Published): boolean {
    if (this.neverReads) return false;
    return this.stream.sequences.some((sequence, i) => !sequence.hasReached(this.messagesOn(i, messages)));
  }

  /** What went wrong for who holds it now: what was due after the stream was open must have come. */
  count(losses: Losses, { startUs, messages }: Published): void {
    if (this.neverReads) return;
    const before = dueBy(this.stream.openedUs, startUs, this.job.flow.rate, messages);
    for (const [i, sequence] of this.stream.sequences.entries()) {
      losses.lost += sequence.lost(this.messagesOn(i, before), this.messagesOn(i, messages));
      losses.duplicated += sequence.duplicated;
      losses.reordered += sequence.reordered;
    }
  }

  /** The same when a client leaves: what was under way to it is no loss, so only gaps in what it saw are. */
  leave(losses: Losses): void {
    this.stream.leave();
    for (const sequence of this.stream.sequences) {
      losses.lost += sequence.gaps;
      losses.duplicated += sequence.duplicated;
      losses.reordered += sequence.reordered;
    }
  }

  private messagesOn(i: number, total: number): number {
    const { flow } = this.job;
    return messagesOn(flow, (firstChannelOf(flow, this.index) + i) % flow.channels, total);
  }
}
