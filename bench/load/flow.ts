/** Channels that are alike, the streams that listen to them, and how much is published on them. */
export interface Flow {
  readonly name: string;
  readonly channels: number;
  /** Streams in all; stream i listens to channel i modulo `channels`. */
  readonly streams: number;
  /** Messages per second over all channels, in turn; 0 for streams that stay idle. */
  readonly rate: number;
  /** Length of each message's data. */
  readonly bytes: number;
}

export function channelName(flow: Flow, channel: number): string {
  return `bench-${flow.name}-${channel}`;
}

export function totalMessages(flow: Flow, seconds: number): number {
  return Math.round(flow.rate * seconds);
}

/** Of `total` messages that go to the channels in turn, how many go to this one. */
export function messagesOn(flow: Flow, channel: number, total: number): number {
  return Math.floor((total - channel - 1) / flow.channels) + 1;
}

/** Events per second that the streams are to receive, all together. */
export function eventsPerSecond(flow: Flow): number {
  return (flow.rate * flow.streams) / flow.channels;
}

/** Events that reach clients when nothing is lost. */
export function expectedEvents(flow: Flow, seconds: number): number {
  const total = totalMessages(flow, seconds);
  let sum = 0;
  for (let stream = 0; stream < flow.streams; stream++) {
    sum += messagesOn(flow, stream % flow.channels, total);
  }
  return sum;
}
