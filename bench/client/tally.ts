import { emptyHistogram, record } from '../load/latency.ts';
import type { Window } from '../load/messages.ts';
import type { StreamOwner } from './stream.ts';

/** What all streams of a client process count together. */
export class Tally implements StreamOwner {
  readonly latency = emptyHistogram();
  window: Window = { fromUs: Number.POSITIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };
  received = 0;
  delivered = 0;
  misdirectedEvents = 0;
  malformedEvents = 0;
  endedStreams = 0;

  message(scheduledUs: number, atUs: number): void {
    const { fromUs, toUs } = this.window;
    this.received++;
    if (atUs >= fromUs && atUs < toUs) this.delivered++;
    if (scheduledUs >= fromUs && scheduledUs < toUs) record(this.latency, atUs - scheduledUs);
  }

  misdirected(): void {
    this.misdirectedEvents++;
  }

  malformed(): void {
    this.malformedEvents++;
  }

  ended(): void {
    this.endedStreams++;
  }
}
