import { eventsPerSecond, type Flow } from '../load/flow.ts';
import type { ClientRequest, ClientResult, Window } from '../load/messages.ts';
import type { Server } from '../servers/server.ts';
import { favour } from '../system/children.ts';
import { Peer } from '../system/peer.ts';

/** Streams one client process holds: half the usual 20,000 open files, as one core is the narrower limit. */
const STREAMS_PER_PROCESS = 9_000;

/** Events per second that cost a client process a tenth of a core. */
const LIGHT = 10_000;

let addresses = 0;

/** Every client process has a source address of its own, never used again: its ports may linger in TIME_WAIT. */
function nextAddress(): string {
  addresses++;
  return `127.0.${1 + Math.floor(addresses / 250)}.${1 + (addresses % 250)}`;
}

/** The client processes of one flow: processes are not shared, so a small flow is not delayed by a big one's reads. */
export class FlowClients {
  readonly flow: Flow;
  private readonly server: Server;
  private readonly peers: Peer<ClientRequest>[] = [];

  constructor(flow: Flow, server: Server) {
    this.flow = flow;
    this.server = server;
  }

  get pids(): number[] {
    return this.peers.map(({ pid }) => pid);
  }

  /** Opens streams `first` to `end - 1` of the flow, spread over as few new processes as they fit in. */
  async open(first = 0, end = this.flow.streams): Promise<void> {
    const processes = Math.ceil((end - first) / STREAMS_PER_PROCESS);
    const share = Math.ceil((end - first) / processes);
    const opening: Promise<number>[] = [];
    for (let from = first; from < end; from += share) {
      const peer = new Peer<ClientRequest>(new URL('../client/main.ts', import.meta.url));
      this.peers.push(peer);
      if (eventsPerSecond(this.flow) <= LIGHT) favour(peer.pid);
      const count = Math.min(share, end - from);
      const { port, path } = this.server;
      const job = { flow: this.flow, first: from, count, port, path, localAddress: nextAddress() };
      opening.push(peer.ask({ do: 'open', ...job }));
    }
    await Promise.all(opening);
  }

  async setWindow(window: Window): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.ask({ do: 'window', ...window })));
  }

  async received(): Promise<number> {
    const counts = await Promise.all(this.peers.map((peer) => peer.ask<number>({ do: 'received' })));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  results(published: number): Promise<ClientResult[]> {
    return Promise.all(this.peers.map((peer) => peer.ask<ClientResult>({ do: 'result', published })));
  }

  async end(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.end()));
  }
}
