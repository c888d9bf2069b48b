import { total } from '../../bench/load/sums.ts';
import { PreflightError } from '../../bench/preflight/check.ts';
import { filesNeeded } from '../../bench/preflight/costs.ts';
import { openFilesFix } from '../../bench/preflight/fixes.ts';
import { readLimits } from '../../bench/preflight/limits.ts';
import { amount } from '../../bench/preflight/needs.ts';
import { plan } from '../../bench/preflight/plan.ts';
import { ceiling } from '../../bench/run/ceiling.ts';
import { FlowClients } from '../../bench/run/clients.ts';
import { Opening } from '../../bench/run/opening.ts';
import { scenario } from '../../bench/scenarios/scenario.ts';
import type { Server } from '../../bench/servers/server.ts';
import { openFilesLimit } from '../../bench/system/proc.ts';
import { integer } from '../../bench/terminal/table.ts';

/**
 * How many of the idle streams each client process is to hold, on this machine.
 * @throws PreflightError when streams and connections do not fit into one gateway and the machine
 */
export function shareOf(streams: number, connections: number): number {
  const limits = readLimits();
  const load = { streams, eventsPerSecond: 0, mode: 'dedup', serverProcesses: 1 } as const;
  const { clientProcesses, problems } = plan(load, limits);
  const files = filesNeeded(streams + connections, load.mode);
  const gateway = amount('open files of the gateway', limits.openFiles.hard, files, () =>
    openFilesFix(files, limits.openFiles),
  );
  const stopping = [gateway, ...problems].filter(({ enough, stops }) => stops && !enough);
  if (stopping.length > 0) throw new PreflightError(stopping);
  return Math.ceil(streams / clientProcesses);
}

/** Streams on a channel each, on which nothing is published, held by processes of their own. */
export class IdleStreams {
  readonly streams: number;
  private readonly server: Server;
  /** None for no streams. */
  private readonly clients: readonly FlowClients[];

  constructor(server: Server, streams: number, share: number) {
    this.streams = streams;
    this.server = server;
    this.clients = streams === 0 ? [] : [new FlowClients(idleFlow(streams), server, share)];
  }

  get pids(): readonly number[] {
    return this.clients.flatMap(({ pids }) => pids);
  }

  /** @throws PreflightError when the gateway does not let all of them in */
  async open(): Promise<void> {
    const opening = new Opening();
    for (const clients of this.clients) await opening.open({ clients, first: 0, end: this.streams }, null);
    if (!opening.gaveUp) return;
    const { refused, opened } = opening.record;
    const evidence = { refused, rejections: await this.server.rejections(), valkey: null };
    const { reason, fix } = ceiling({ ...evidence, openFiles: openFilesLimit() });
    const [here, need] = [integer(opened), integer(this.streams)];
    throw new PreflightError([
      { name: 'idle streams', here, need, enough: false, stops: true, fix: `${reason}\n${fix}` },
    ]);
  }

  /** How many the gateway has ended so far: it should be none. */
  async ended(): Promise<number> {
    const results = await Promise.all(this.clients.map((clients) => clients.result(0, 0)));
    return total(results, ({ ended }) => ended);
  }

  async end(): Promise<void> {
    await Promise.all(this.clients.map((clients) => clients.end()));
  }
}

function idleFlow(streams: number) {
  const flow = { name: 'idle', channels: streams, streams, rate: 1 }; // a rate there must be; it is not used
  return scenario.parse({ name: 'idle', summary: 'idle streams', flows: [flow] }).flows[0]!;
}
