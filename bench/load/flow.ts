import type { Flow, Scenario } from '../scenarios/scenario.ts';
import { total } from './sums.ts';

// Message k of a flow goes to channel k modulo `channels`, and is number floor(k / channels) there.

export function channelName(flow: Flow, channel: number): string {
  return `bench-${flow.name}-${channel}`;
}

/** The first of the channels that a stream listens to; the others follow it, past the last comes channel 0. */
export function firstChannelOf(flow: Flow, stream: number): number {
  return stream % flow.channels;
}

export function channelNamesOf(flow: Flow, stream: number): string[] {
  const first = firstChannelOf(flow, stream);
  return Array.from({ length: flow.channelsPerStream }, (_, i) =>
    channelName(flow, (first + i) % flow.channels),
  );
}

export function totalMessages(flow: Flow, seconds: number): number {
  return Math.round(flow.rate * seconds);
}

/** Of the flow's first `total` messages, how many go to this channel. */
export function messagesOn(flow: Flow, channel: number, total: number): number {
  return Math.floor((total - channel - 1) / flow.channels) + 1;
}

/** Events per second that the streams are to receive, all together. */
export function eventsPerSecond({ rate, streams, neverRead, channelsPerStream, channels }: Flow): number {
  return (rate * streams * (1 - neverRead) * channelsPerStream) / channels;
}

export function totalStreams({ flows }: Scenario): number {
  return total(flows, ({ streams }) => streams);
}

export function totalEventsPerSecond({ flows }: Scenario): number {
  return total(flows, eventsPerSecond);
}

/** Whether a stream is one of those that never read. */
export function neverReads({ neverRead }: Flow, stream: number): boolean {
  return Math.floor((stream + 1) * neverRead) > Math.floor(stream * neverRead);
}
