import { setTimeout as sleep } from 'node:timers/promises';
import { addressBlock } from '../load/addresses.ts';
import { eventsPerSecond, totalMessages } from '../load/flow.ts';
import { encodeHistogram, mergeHistograms } from '../load/latency.ts';
import type {
  ClientRequest,
  ClientResult,
  Opened,
  Progress,
  Published,
  StormResult,
  Window,
} from '../load/messages.ts';
import { total } from '../load/sums.ts';
import type { Flow } from '../scenarios/scenario.ts';
import type { Server } from '../servers/server.ts';
import { favour } from '../system/children.ts';
import { Peer } from '../system/peer.ts';

/** Events per second that cost a client process a tenth of a core. */
const LIGHT = 10_000;
const LOOK_MS = 250;

/** Client processes so far: each has further addresses of its own, as the ports of earlier ones may linger. */
let started = 0;

/** The client processes of one flow: processes are not shared, so a small flow is not delayed by a big one's reads. */
export class FlowClients {
  readonly flow: Flow;
  private readonly server: Server;
  private readonly streamsPerProcess: number;
  private readonly peers: Peer<ClientRequest>[] = [];

  constructor(flow: Flow, server: Server, streamsPerProcess: number) {
    this.flow = flow;
    this.server = server;
    this.streamsPerProcess = streamsPerProcess;
  }

  get pids(): number[] {
    return this.peers.map(({ pid }) => pid);
  }

  /**
   * Opens streams `first` to `end - 1` of the flow, spread over as few new processes as they fit in, at most `ramp`
   * streams a second. `onProgress` is told how many are open.
   */
  async open(
    first: number,
    end: number,
    ramp: number | null,
    onProgress: (opened: number) => void,
  ): Promise<Opened[]> {
    const processes = Math.ceil((end - first) / this.streamsPerProcess);
    const share = Math.ceil((end - first) / processes);
    const opening: Promise<Opened>[] = [];
    for (let from = first; from < end; from += share) {
      const peer = new Peer<ClientRequest>(new URL('../client/main.ts', import.meta.url));
      this.peers.push(peer);
      if (eventsPerSecond(this.flow) <= LIGHT) favour(peer.pid);
      const { ports, request } = this.server;
      opening.push(
        peer.ask<Opened>({
          do: 'open',
          flow: this.flow,
          first: from,
          count: Math.min(share, end - from),
          ports,
          request,
          ramp: ramp === null ? null : ramp / processes,
          addressBlock: addressBlock(started++),
        }),
      );
    }
    const all = Promise.all(opening);
    let under = true;
    const stop = () => {
      under = false;
    };
    all.then(stop, stop);
    while (under) {
      await Promise.race([sleep(LOOK_MS), all]);
      if (under) onProgress((await this.progress(null)).opened);
    }
    return all;
  }

  async setWindow(window: Window): Promise<void> {
    await this.askAll({ do: 'window', ...window });
  }

  /** If the flow says so, its streams leave and are replaced from now on, until told to stop. */
  async churn(startUs: number, seconds: number, on: boolean): Promise<void> {
    const { churnPerSecond } = this.flow;
    if (churnPerSecond === 0) return;
    const perSecond = on ? churnPerSecond / this.peers.length : 0;
    await this.askAll({ do: 'churn', perSecond, published: this.published(startUs, seconds) });
  }

  storm(startUs: number, seconds: number, untilUs: number): Promise<StormResult[]> {
    const published = this.published(startUs, seconds);
    return this.askAll<StormResult>({ do: 'storm', untilUs, published });
  }

  async progress(startUs: number | null, seconds = 0): Promise<Progress> {
    const published = startUs === null ? null : this.published(startUs, seconds);
    const each = await this.askAll<Progress>({ do: 'progress', published });
    return {
      opened: total(each, ({ opened }) => opened),
      received: total(each, ({ received }) => received),
      behind: total(each, ({ behind }) => behind),
    };
  }

  async result(startUs: number, seconds: number): Promise<ClientResult> {
    const each = await this.askAll<ClientResult>({
      do: 'result',
      published: this.published(startUs, seconds),
    });
    const sums = Object.fromEntries(COUNTS.map((field) => [field, total(each, (one) => one[field])]));
    return { ...(sums as Record<Count, number>), latencyUs: addUp(each.map(({ latencyUs }) => latencyUs)) };
  }

  async end(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.end()));
  }

  private published(startUs: number, seconds: number): Published {
    return { startUs, messages: totalMessages(this.flow, seconds) };
  }

  private askAll<Value>(request: ClientRequest): Promise<Value[]> {
    return Promise.all(this.peers.map((peer) => peer.ask<Value>(request)));
  }
}

type Count = Exclude<keyof ClientResult, 'latencyUs'>;
const COUNTS: readonly Count[] = [
  'delivered',
  'received',
  'replaced',
  'lost',
  'duplicated',
  'reordered',
  'misdirected',
  'malformed',
  'ended',
  'unreadEnded',
];

/** One histogram, encoded, of several. */
export function addUp(encoded: readonly string[]): string {
  return encodeHistogram(mergeHistograms(encoded));
}
