import { setTimeout as sleep } from 'node:timers/promises';
import { total } from '../load/sums.ts';
import type { RunRecord } from '../results/record.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { Server } from '../servers/server.ts';
import { favour } from '../system/children.ts';
import { Peer } from '../system/peer.ts';
import { kernelSocketsKiB, openFilesLimit, rssKiB } from '../system/proc.ts';
import { ceiling } from './ceiling.ts';
import { FlowClients } from './clients.ts';
import { Opening } from './opening.ts';
import { type Publisher, publishAndMeasure } from './publishing.ts';
import { settled } from './settle.ts';

export interface RunOptions {
  readonly streamsPerProcess: number;
  /** Streams per second at most; null for as fast as they are accepted. */
  readonly ramp: number | null;
  /** Whether to wait until memory no longer moves, and to take it with few streams too. */
  readonly weigh: boolean;
  /** When the server refuses: whether to go on with the streams that are open. */
  readonly holdWhatOpened: boolean;
}

export type Measurement = Omit<RunRecord, 'record' | 'at' | 'repeat' | 'scenario' | 'repetition' | 'server'>;

/** A thousand streams warm up code and heap, so that what further ones add is the streams' own. */
const FEW = 1_000;
const SETTLE_MS = 1_000;

/** Opens every flow's streams, publishes on schedule, measures the window, and checks what each stream got. */
export async function run(server: Server, scenario: Scenario, options: RunOptions): Promise<Measurement> {
  const clients = scenario.flows.map((flow) => new FlowClients(flow, server, options.streamsPerProcess));
  const publisher: Publisher = new Peer(new URL('../publisher/main.ts', import.meta.url));
  favour(publisher.pid);
  try {
    // Before the streams, which in per-connection mode may take all connections that Valkey has.
    await publisher.ask({ do: 'connect', target: server.target });
    const resident = () => total(server.pids, rssKiB);
    const weigh = async () => (options.weigh ? settled(resident) : resident());
    const empty = await weigh();
    const socketsBefore = kernelSocketsKiB();

    const opening = new Opening();
    let few: RunRecord['memoryKiB']['few'] = null;
    for (const each of clients) {
      const { streams } = each.flow;
      const first: number = options.weigh && few === null ? Math.min(FEW, Math.floor(streams / 10)) : 0;
      if (first > 0) {
        await opening.open({ clients: each, first: 0, end: first }, options.ramp);
        few = { streams: first, kib: await weigh() };
      }
      await opening.open({ clients: each, first, end: streams }, options.ramp);
    }
    await sleep(SETTLE_MS);
    const open = await weigh();
    const kernelSockets = Math.max(0, kernelSocketsKiB() - socketsBefore);
    const valkey = server.valkey === null ? null : await server.valkey.info();

    const { opened, refused } = opening.record;
    const rejections = opening.gaveUp ? await server.rejections() : {};
    const goesOn = !opening.gaveUp || (options.holdWhatOpened && opened > 0);
    const published = goesOn ? await publishAndMeasure(server, scenario, clients, publisher) : null;
    return {
      opening: opening.record,
      stopped: opening.gaveUp ? ceiling({ refused, rejections, valkey, openFiles: openFilesLimit() }) : null,
      measured: published?.measured ?? null,
      memoryKiB: { empty, few, open, end: published?.endKiB ?? null, kernelSockets },
      valkey: valkey && {
        connections: valkey.connections - (server.target.kind === 'valkey' ? 1 : 0), // the publisher's
        maxClients: valkey.maxClients,
        usedMemoryKiB: valkey.usedMemoryKiB,
        residentKiB: rssKiB(server.valkey!.pid),
      },
    };
  } finally {
    await publisher.end();
    await Promise.all(clients.map((flow) => flow.end()));
  }
}
