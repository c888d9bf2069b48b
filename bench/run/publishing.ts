import { setTimeout as sleep } from 'node:timers/promises';
import { nowUs, sleepUntil } from '../load/clock.ts';
import { eventsPerSecond } from '../load/flow.ts';
import type { PublisherRequest, PublisherResult } from '../load/messages.ts';
import { addCounts, total } from '../load/sums.ts';
import type { Measured } from '../results/record.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { Server } from '../servers/server.ts';
import { sharedCores } from '../system/cores.ts';
import type { Peer } from '../system/peer.ts';
import { rssKiB } from '../system/proc.ts';
import { beginTask } from '../terminal/progress.ts';
import { integer } from '../terminal/table.ts';
import { addUp, type FlowClients } from './clients.ts';
import { CpuMeter } from './cpu.ts';

export type Publisher = Peer<PublisherRequest>;

/** From the decision to start until the first message is due: enough for all processes to hear of it. */
const NOTICE_US = 200_000;
const LOOK_MS = 1_000;
/** An overloaded server may take long to deliver what it was sent; one that delivers nothing this long is done. */
const STALLED_MS = 3_000;
const DRAIN_MS = 60_000;
/** Long enough for a duplicate of the last event. */
const AFTERMATH_MS = 200;

/** Publishes warm-up and window on schedule to streams that are open, and measures the window. */
export async function publishAndMeasure(
  server: Server,
  { flows, warmUpSeconds, seconds, storm }: Scenario,
  clients: readonly FlowClients[],
  publisher: Publisher,
): Promise<{ readonly measured: Measured; readonly endKiB: number }> {
  const startUs = Math.ceil(nowUs() + NOTICE_US); // whole, as messages carry whole microseconds
  const fromUs = startUs + warmUpSeconds * 1e6;
  const toUs = fromUs + seconds * 1e6;
  await Promise.all(clients.map((flow) => flow.setWindow({ fromUs, toUs })));

  const duration = warmUpSeconds + seconds;
  const publishing = publisher.ask<PublisherResult>({
    do: 'publish',
    flows,
    startUs,
    seconds: duration,
    recordFromUs: fromUs,
  });
  publishing.catch(() => {}); // awaited below, after the window
  await Promise.all(clients.map((each) => each.churn(startUs, duration, true)));

  await sleepUntil(fromUs);
  const meter = new CpuMeter(
    server,
    clients.flatMap(({ pids }) => pids),
    publisher.pid,
  );
  const storming = storm ? Promise.all(clients.map((each) => each.storm(startUs, duration, toUs))) : null;
  storming?.catch(() => {}); // awaited below, too
  // Read by its own timer: the watch waits for answers of clients that may be busy.
  const reading = sleepUntil(toUs).then(() => ({ cpuUs: meter.read(), endKiB: total(server.pids, rssKiB) }));
  const [{ cpuUs, endKiB }] = await Promise.all([reading, watch(clients, fromUs, toUs)]);

  await Promise.all(clients.map((each) => each.churn(startUs, duration, false)));
  const stormed = (await storming)?.flat() ?? null;
  await drain(clients, startUs, duration);
  const { sent, failed, latenessUs, roundTripUs } = await publishing;
  return {
    endKiB,
    measured: {
      seconds,
      flows: await Promise.all(
        clients.map(async (each) => ({
          name: each.flow.name,
          ...(await each.result(startUs, duration)),
        })),
      ),
      publishing: { sent, failed, latenessUs, roundTripUs },
      cpuUs,
      sharedCores: sharedCores(),
      storm: stormed && {
        backUs: addUp(stormed.map(({ backUs }) => backUs)),
        reconnectUs: addUp(stormed.map(({ reconnectUs }) => reconnectUs)),
        refused: addCounts(stormed.map(({ refused }) => refused)),
        gone: total(stormed, ({ gone }) => gone),
        clientPercent: Math.max(...stormed.map(({ clientPercent }) => clientPercent)),
      },
    },
  };
}

/** Shows how the window goes. Asking the clients costs them little: a sum of two numbers, once a second. */
async function watch(clients: readonly FlowClients[], fromUs: number, toUs: number): Promise<void> {
  const offered = total(clients, ({ flow }) => eventsPerSecond(flow));
  const task = beginTask('measuring', Math.round((toUs - fromUs) / 1e6), 's');
  let received = (await progress(clients, null)).received;
  let lookedUs = nowUs();
  while (nowUs() < toUs) {
    await sleep(Math.min(LOOK_MS, (toUs - nowUs()) / 1e3));
    const now = (await progress(clients, null)).received;
    const rate = ((now - received) * 1e6) / (nowUs() - lookedUs);
    task.update(Math.round((nowUs() - fromUs) / 1e6), `${integer(rate)} of ${integer(offered)} events/s`);
    received = now;
    lookedUs = nowUs();
  }
  task.end(`measured ${integer((toUs - fromUs) / 1e6)} s at ${integer(offered)} events/s offered`);
}

/** Waits until every event has arrived, or none does any more. */
async function drain(clients: readonly FlowClients[], startUs: number, duration: number): Promise<void> {
  let now = await progress(clients, startUs, duration);
  if (now.behind > 0) {
    const waiting = now.behind;
    const task = beginTask('waiting for what is late', waiting, 'streams have all');
    const deadline = performance.now() + DRAIN_MS;
    let received = now.received;
    let progressAt = performance.now();
    while (now.behind > 0 && performance.now() < Math.min(deadline, progressAt + STALLED_MS)) {
      await sleep(AFTERMATH_MS);
      now = await progress(clients, startUs, duration);
      if (now.received > received) progressAt = performance.now();
      received = now.received;
      task.update(waiting - now.behind);
    }
    const missing = now.behind === 0 ? '' : `, ${integer(now.behind)} never did`;
    task.end(`${integer(waiting)} streams had their last events late${missing}`);
  }
  await sleep(AFTERMATH_MS);
}

async function progress(clients: readonly FlowClients[], startUs: number | null, duration = 0) {
  const each = await Promise.all(clients.map((each) => each.progress(startUs, duration)));
  return {
    received: total(each, ({ received }) => received),
    behind: total(each, ({ behind }) => behind),
  };
}
