// A load-client process: holds many streams, and answers the questions of the process that started it.

import { channelName, messagesOn } from '../load/flow.ts';
import { emptyHistogram, encodeHistogram } from '../load/latency.ts';
import type { AskResult, ClientRequest, ClientResult, OpenStreams } from '../load/messages.ts';
import { serve } from '../system/peer.ts';
import { Stream, type Tally } from './stream.ts';

/** Connections being opened at a time: a listen backlog is finite, and a flood would measure that. */
const IN_FLIGHT = 200;

const streams: Stream[] = [];
const tally: Tally = {
  latency: emptyHistogram(),
  window: { fromUs: Infinity, toUs: Infinity },
  received: 0,
  delivered: 0,
  malformed: 0,
  closed: 0,
};
let latest: OpenStreams | null = null;

serve<ClientRequest>(async (request) => {
  switch (request.do) {
    case 'open':
      return open(request);
    case 'window':
      tally.window = { fromUs: request.fromUs, toUs: request.toUs };
      return null;
    case 'received':
      return tally.received;
    case 'result':
      return result(request);
  }
});

async function open(job: OpenStreams): Promise<number> {
  latest = job;
  let next = job.first;
  const opener = async () => {
    while (next < job.first + job.count) {
      const channel = next++ % job.flow.channels;
      const stream = new Stream(channel, job.flow.bytes, tally);
      await stream.open(job, job.path + channelName(job.flow, channel));
      streams.push(stream);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, job.count) }, opener));
  return streams.length;
}

function result(request: AskResult): ClientResult {
  const sum = { lost: 0, duplicated: 0, reordered: 0 };
  for (const { channel, sequence } of streams) {
    sum.lost += sequence.lost(messagesOn(latest!.flow, channel, request.published));
    sum.duplicated += sequence.duplicated;
    sum.reordered += sequence.reordered;
  }
  const { delivered, received, malformed, closed } = tally;
  return { ...sum, delivered, received, malformed, closed, latency: encodeHistogram(tally.latency) };
}
