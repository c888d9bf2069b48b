import { setTimeout as sleep } from 'node:timers/promises';
import { boundAddress, UNBOUND_STREAMS } from '../load/addresses.ts';
import { nowUs } from '../load/clock.ts';
import { channelNamesOf, firstChannelOf, neverReads } from '../load/flow.ts';
import type { OpenStreams } from '../load/messages.ts';
import { Refusal } from './response.ts';
import { Stream, type StreamOwner } from './stream.ts';

const TRIES = 3;
/** A server that wants to be asked again is, but not after longer than this. */
const LONGEST_RETRY_MS = 2_000;

/** Opens streams, asks again when a server says "not now", and counts what came instead of streams. */
export class Door {
  /** Attempts that did not become a stream, by kind of refusal. */
  readonly refused: Record<string, number> = {};
  private bound = 0;
  private readonly readers: StreamOwner;
  private readonly unread: StreamOwner;

  constructor(readers: StreamOwner, unread: StreamOwner) {
    this.readers = readers;
    this.unread = unread;
  }

  /** Null if the server refused for good: with an answer that is final, or three times. */
  async open(job: OpenStreams, index: number): Promise<Stream | null> {
    for (let attempt = 1; ; attempt++) {
      const entered = await this.tryOnce(job, index);
      if (entered instanceof Stream) return entered;
      if (entered.retryMs === null || attempt === TRIES) return null;
      await sleep(Math.min(entered.retryMs, LONGEST_RETRY_MS));
    }
  }

  /** As a browser does: tries again whatever happened, until a point in time. */
  async openUntil(deadlineUs: number, job: OpenStreams, index: number): Promise<Stream | null> {
    for (;;) {
      const entered = await this.tryOnce(job, index);
      if (entered instanceof Stream) return entered;
      const waitMs = Math.min(entered.retryMs ?? LONGEST_RETRY_MS, LONGEST_RETRY_MS);
      if (nowUs() + waitMs * 1_000 > deadlineUs) return null;
      await sleep(waitMs);
    }
  }

  private async tryOnce(
    { flow, request, ports, addressBlock }: OpenStreams,
    index: number,
  ): Promise<Stream | Refusal> {
    const owner = neverReads(flow, index) ? this.unread : this.readers;
    const channels = {
      first: firstChannelOf(flow, index),
      count: flow.channelsPerStream,
      total: flow.channels,
    };
    const stream = new Stream(channels, flow.bytes, owner);
    const path = request.before + channelNamesOf(flow, index).join(request.between) + request.after;
    try {
      const isBound = index / ports.length >= UNBOUND_STREAMS;
      const localAddress = isBound ? boundAddress(addressBlock, this.bound++) : null;
      await stream.open({ port: ports[index % ports.length]!, localAddress, path });
      return stream;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refused[error.kind] = (this.refused[error.kind] ?? 0) + 1;
      return error;
    }
  }
}
