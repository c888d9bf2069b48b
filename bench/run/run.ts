import { setTimeout as sleep } from 'node:timers/promises';
import { nowUs } from '../load/clock.ts';
import { expectedEvents, type Flow, totalMessages } from '../load/flow.ts';
import { mergeHistograms } from '../load/latency.ts';
import type { PublisherRequest, PublisherResult } from '../load/messages.ts';
import type { Server } from '../servers/server.ts';
import { favour } from '../system/children.ts';
import { Peer } from '../system/peer.ts';
import { cpuTimes, othersUs, rssKiB, sum } from '../system/proc.ts';
import { FlowClients } from './clients.ts';
import { mergeClients, type RunResult } from './result.ts';

/** Published before the window, so that compilers, buffers and connections are warm in it. */
const WARM_UP_SECONDS = 2;
const SETTLE_MS = 1_000;
/** An overloaded server may take long to deliver what it was sent; one that delivers nothing this long is done. */
const STALLED_MS = 3_000;
const DRAIN_MS = 60_000;

/** Opens every flow's streams, publishes on schedule, and measures `seconds` of it. */
export async function run(server: Server, flows: readonly Flow[], seconds: number): Promise<RunResult> {
  const clients = flows.map((flow) => new FlowClients(flow, server));
  const publisher = new Peer<PublisherRequest>(new URL('../publisher/main.ts', import.meta.url));
  favour(publisher.pid);
  try {
    for (const flow of clients) await flow.open();
    await publisher.ask({ do: 'connect', target: server.target });
    await sleep(SETTLE_MS);

    const startUs = nowUs() + 200_000;
    const fromUs = startUs + WARM_UP_SECONDS * 1e6;
    const toUs = fromUs + seconds * 1e6;
    await Promise.all(clients.map((flow) => flow.setWindow({ fromUs, toUs })));
    const published = WARM_UP_SECONDS + seconds;
    const publishing = publisher.ask<PublisherResult>({ do: 'publish', flows, startUs, seconds: published });
    publishing.catch(() => {}); // awaited below, after the samples

    const clientPids = clients.flatMap(({ pids }) => pids);
    await sleepUntil(fromUs);
    const before = cpuTimes();
    await sleepUntil(toUs);
    const after = cpuTimes();
    if (!server.pids.every((pid) => after.has(pid))) throw new Error(`${server.name} ended while measured`);
    const coresOf = (pid: number) => (after.get(pid)!.own - before.get(pid)!.own) / (toUs - fromUs);
    const valkeyPids = server.valkey ? [server.valkey.pid] : [];
    const own = [...server.pids, ...clientPids, ...valkeyPids, publisher.pid, process.pid];
    const memory = {
      serverRssKiB: sum(server.pids, rssKiB),
      valkeyRssKiB: server.valkey ? rssKiB(server.valkey.pid) : null,
      valkeyConnections: server.valkey ? await server.valkey.connections() : null,
    };

    await drained(clients, published);
    const { failed, lateness } = await publishing;
    const results = await Promise.all(
      clients.map(async (each) =>
        mergeClients(each.flow, await each.results(totalMessages(each.flow, published))),
      ),
    );
    return {
      server: server.name,
      seconds,
      flows: results,
      delivered: results.reduce((total, { delivered }) => total + delivered, 0),
      serverCpu: sum(server.pids, coresOf),
      valkeyCpu: server.valkey ? coresOf(server.valkey.pid) : null,
      ...memory,
      clientCpu: Math.max(...clientPids.map(coresOf)),
      publisherCpu: coresOf(publisher.pid),
      othersCpu: othersUs(before, after, own) / (toUs - fromUs),
      publishFailures: failed,
      lateness: mergeHistograms([lateness]),
    };
  } finally {
    await publisher.end();
    await Promise.all(clients.map((flow) => flow.end()));
  }
}

async function sleepUntil(us: number): Promise<void> {
  await sleep(Math.max(0, (us - nowUs()) / 1000));
}

/** Waits until every event has arrived, or none does any more. */
async function drained(clients: readonly FlowClients[], published: number): Promise<void> {
  const expected = clients.reduce((total, { flow }) => total + expectedEvents(flow, published), 0);
  const deadline = performance.now() + DRAIN_MS;
  let received = -1;
  let progressAt = performance.now();
  while (received < expected && performance.now() < deadline) {
    const counts = await Promise.all(clients.map((flow) => flow.received()));
    const now = counts.reduce((total, count) => total + count, 0);
    if (now > received) progressAt = performance.now();
    else if (performance.now() - progressAt > STALLED_MS) return;
    received = now;
    await sleep(200);
  }
  await sleep(200); // long enough for a duplicate of the last event
}
