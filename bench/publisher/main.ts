// The publisher process: sends every message at its scheduled time, or as soon after as it can.
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { nowUs } from '../load/clock.ts';
import { channelName, totalMessages } from '../load/flow.ts';
import { emptyHistogram, encodeHistogram, record } from '../load/latency.ts';
import { encodeMessage } from '../load/marker.ts';
import type { Publish, PublisherRequest, PublisherResult, PublishTarget } from '../load/messages.ts';
import { dueBy, scheduledUs } from '../load/pacer.ts';
import { total } from '../load/sums.ts';
import type { Flow } from '../scenarios/scenario.ts';
import { serve } from '../system/peer.ts';
import { httpSink } from './http.ts';
import type { Sink } from './sink.ts';
import { valkeySink } from './valkey.ts';

const roundTripUs = emptyHistogram();
let sink: Sink;

serve<PublisherRequest>(async (request) => {
  if (request.do === 'publish') return publish(request);
  sink = await connect(request.target);
  return null;
});

function connect(target: PublishTarget): Promise<Sink> {
  return target.kind === 'valkey' ? valkeySink(target.port, roundTripUs) : httpSink(target, roundTripUs);
}

async function publish({ flows, startUs, seconds, recordFromUs }: Publish): Promise<PublisherResult> {
  const latenessUs = emptyHistogram();
  let isWarm = false;
  const schedules = flows.map((flow) => ({ flow, sent: 0, total: totalMessages(flow, seconds) }));
  for (;;) {
    let nextUs = Infinity;
    for (const schedule of schedules) {
      const { flow, total } = schedule;
      const due = dueBy(nowUs(), startUs, flow.rate, total);
      while (schedule.sent < due) {
        const at = scheduledUs(startUs, flow.rate, schedule.sent);
        if (!isWarm && at >= recordFromUs) {
          isWarm = true;
          roundTripUs.reset(); // of answers that are still to come of the warm-up there are a few at most
        }
        if (isWarm) record(latenessUs, nowUs() - at);
        send(flow, schedule.sent++, at);
      }
      if (schedule.sent < total) nextUs = Math.min(nextUs, scheduledUs(startUs, flow.rate, schedule.sent));
    }
    if (nextUs === Infinity) break;
    await waitUntil(nextUs);
  }
  const failed = await sink.finish();
  return {
    sent: total(schedules, ({ sent }) => sent),
    failed,
    latenessUs: encodeHistogram(latenessUs),
    roundTripUs: encodeHistogram(roundTripUs),
  };
}

function send(flow: Flow, k: number, at: number): void {
  const channel = k % flow.channels;
  const sequence = Math.floor(k / flow.channels);
  sink.send(channelName(flow, channel), encodeMessage(at, sequence, channel, flow.bytes));
}

const neverNotified = new Int32Array(new SharedArrayBuffer(4));
/** Answers come in between two waits: the longest is what a round trip may be too long by. */
const WAIT_MS = { forAnswers: 0.1, forTime: 1 };

/** Timers are only good to a millisecond; a futex with a timeout sleeps for less without burning a core. */
async function waitUntil(us: number): Promise<void> {
  const ms = (us - nowUs()) / 1000;
  if (ms > 3) return sleep(Math.floor(ms) - 2);
  await setImmediate(); // let answers in
  const longest = sink.unanswered > 0 ? WAIT_MS.forAnswers : WAIT_MS.forTime;
  const rest = (us - nowUs()) / 1000;
  if (rest > 0) Atomics.wait(neverNotified, 0, 0, Math.min(longest, rest));
}
