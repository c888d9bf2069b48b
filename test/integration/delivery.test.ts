import { Agent, request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Ssemux } from '../support/process.ts';
import { NotOpened, SseClient } from '../support/sse-client.ts';
import { ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

const STAYERS = 2_000;
const GUESTS = 50;
const MESSAGES = 50_000;
const CHANNELS = 1_000;
/** Every client has this channel and four others; one message in 200 goes to it. */
const HOT = 'hot';

type Publish = (channel: string, data: string) => Promise<unknown>;

let valkey: ValkeyServer;
let gateway: Awaited<ReturnType<typeof Ssemux.serve>>;
const cleanUp: (() => unknown)[] = [];
beforeEach(async () => {
  valkey = await ValkeyServer.start();
});
afterEach(async () => {
  for (const end of cleanUp.splice(0)) await end();
  await gateway?.stop();
  await valkey.stop();
});

/** Numbers of a channel as one client got them; notes whatever is not the successor of what came before. */
class Ledger {
  readonly first = new Map<string, number>();
  readonly last = new Map<string, number>();
  readonly wrong: string[] = [];

  note(text: string): void {
    const [channel, number] = text.split('#') as [string, string];
    const previous = this.last.get(channel);
    if (previous === undefined) this.first.set(channel, Number(number));
    else if (Number(number) !== previous + 1) this.wrong.push(`${text} after ${previous}`);
    this.last.set(channel, Number(number));
  }
}

class Client {
  readonly ledger = new Ledger();
  readonly channels: string[];
  sse!: SseClient;

  constructor() {
    const picks = Array.from({ length: 4 }, () => `channel:${Math.floor(Math.random() * CHANNELS)}`);
    this.channels = [...new Set([HOT, ...picks])];
  }

  async open(): Promise<this> {
    this.sse = await SseClient.open(gateway.url, this.channels, {
      onEvent: ({ data }) => this.ledger.note(data),
    });
    cleanUp.push(() => this.sse.close());
    return this;
  }
}

/** As a browser would: who is told to come back later does. */
async function openPatiently(): Promise<Client> {
  for (;;) {
    try {
      return await new Client().open();
    } catch (error) {
      if (!(error instanceof NotOpened)) throw error;
    }
  }
}

function overValkey(): Publish {
  const client = valkey.client({ enableAutoPipelining: true });
  cleanUp.push(() => client.disconnect());
  return (channel, data) => client.publish(channel, JSON.stringify({ data }));
}

function overHttp(): Publish {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  cleanUp.push(() => agent.destroy());
  return (channel, data) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const post = request(`${gateway.url}/publish`, { method: 'POST', agent, headers }, (response) => {
        response
          .resume()
          .on('end', () => (response.statusCode === 200 ? resolve(undefined) : reject(response.statusCode)));
      });
      post.on('error', reject);
      post.end(JSON.stringify({ channel, data }));
    });
}

/** Runs `task` for 0 .. count-1, a bounded number at once. */
async function inParallel(
  count: number,
  width: number,
  task: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await task(next++);
    }),
  );
}

test.each([
  ['dedup', 'valkey'],
  ['per-connection', 'valkey'],
  ['dedup', 'memory'],
  ['per-connection', 'memory'],
])(
  `${STAYERS} clients on overlapping channels, ${MESSAGES} messages, random joins and leaves: nothing lost, doubled or reordered (%s, %s)`,
  { timeout: 180_000 },
  async (mode, broker) => {
    gateway = await Ssemux.serve([
      '--mode',
      mode,
      ...(broker === 'valkey' ? ['--valkey-url', valkey.url] : []),
    ]);
    const publish = broker === 'valkey' ? overValkey() : overHttp();
    const stayers = Array.from({ length: STAYERS }, () => new Client());
    await inParallel(STAYERS, 100, (index) => stayers[index]!.open());

    // One writer for each share of the channels: the order of a channel is the order in which its writer was answered.
    const sent = new Map<string, number>();
    const send = async (channel: string) => {
      const number = (sent.get(channel) ?? 0) + 1;
      sent.set(channel, number);
      await publish(channel, `${channel}#${number}`);
    };
    let publishing = true;
    const guests = { visits: 0, tooLate: [] as string[], wrong: [] as string[] };
    const visiting = Promise.all(
      Array.from({ length: GUESTS }, async () => {
        while (publishing) {
          const guest = await openPatiently();
          const sentAtOpen = new Map(sent);
          const enough = 1 + Math.floor(Math.random() * 20);
          await waitFor(
            () => !publishing || (guest.ledger.last.get(HOT) ?? 0) >= (sentAtOpen.get(HOT) ?? 0) + enough,
            'the guest has seen enough',
            60_000,
          );
          guests.visits++;
          for (const [channel, first] of guest.ledger.first) {
            if (first > (sentAtOpen.get(channel) ?? 0) + 1) guests.tooLate.push(`${channel}#${first}`);
          }
          guests.wrong.push(...guest.ledger.wrong);
          guest.sse.close();
        }
      }),
    );
    const WRITERS = 32;
    await inParallel(WRITERS, WRITERS, async (writer) => {
      for (let n = writer; n < MESSAGES; n += WRITERS) {
        const share = Math.floor(Math.random() * (CHANNELS / WRITERS - 1)) * WRITERS + writer;
        await send(writer === 0 && n % (200 / WRITERS) < 1 ? HOT : `channel:${share}`);
      }
    });
    publishing = false;
    await visiting;

    const behind = () =>
      stayers.find(({ channels, ledger }) =>
        channels.some((channel) => (ledger.last.get(channel) ?? 0) !== (sent.get(channel) ?? 0)),
      );
    await waitFor(
      () => behind() === undefined,
      'every client that stayed has the last message of its channels',
      60_000,
    );
    expect(stayers.flatMap(({ ledger }) => ledger.wrong)).toEqual([]);
    for (const { ledger } of stayers) for (const first of ledger.first.values()) expect(first).toBe(1);
    expect(guests.wrong).toEqual([]);
    expect(guests.tooLate).toEqual([]);
    expect(guests.visits).toBeGreaterThanOrEqual(GUESTS);
    expect([...sent.values()].reduce((sum, count) => sum + count)).toBe(MESSAGES);
    const stats = (await (await fetch(`${gateway.url}/stats`)).json()) as { connections: { closed: object } };
    expect(stats.connections.closed).toMatchObject({ slow_consumer: 0, internal_error: 0 });
  },
);
