import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Valkey as ValkeyClient } from 'iovalkey';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptyHistogram } from '../../bench/load/latency.ts';
import { encodeMessage } from '../../bench/load/marker.ts';
import type { PublishTarget, StreamRequest } from '../../bench/load/messages.ts';
import { httpSink } from '../../bench/publisher/http.ts';
import type { Sink } from '../../bench/publisher/sink.ts';
import { valkeySink } from '../../bench/publisher/valkey.ts';
import { startGateway } from '../../bench/servers/gateway.ts';
import { peers } from '../../bench/servers/peers.ts';
import type { Server } from '../../bench/servers/server.ts';
import type { Valkey } from '../../bench/servers/valkey.ts';
import { SseClient } from '../support/sse-client.ts';
import { waitFor } from '../support/wait.ts';

interface Subject {
  readonly name: string;
  missing(): string | null;
  start(directory: string): Promise<Server>;
}

const subjects: Subject[] = [
  ...(['dedup', 'per-connection'] as const).map((mode) => ({
    name: `ssemux ${mode}`,
    missing: () => null,
    start: (directory: string) => startGateway(mode, directory, 2),
  })),
  ...peers,
];

const CHANNELS = ['bench-test-0', 'bench-test-1'] as const;
const BYTES = 200;

let directory: string;
let server: Server | undefined;
let sink: Sink | undefined;
const streams: SseClient[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ssemux-bench-test-'));
});

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  sink?.close();
  sink = undefined;
  await server?.stop();
  server = undefined;
  rmSync(directory, { recursive: true });
});

/** As the load clients do: open once the first bytes of the body are here. */
async function open(
  { before, between, after }: StreamRequest,
  port: number,
  channels: readonly string[],
): Promise<SseClient> {
  const url = `http://127.0.0.1:${port}${before}${channels.join(between)}${after}`;
  const client = await SseClient.request(url, { headers: { Accept: 'text/event-stream' } });
  streams.push(client);
  expect(client.response.statusCode).toBe(200);
  const { comments, events } = client;
  await waitFor(
    () => comments.length + events.length > 0 || client.retry !== undefined,
    'the stream is open',
  );
  return client;
}

function connect(target: PublishTarget): Promise<Sink> {
  const roundTrips = emptyHistogram();
  return target.kind === 'valkey' ? valkeySink(target.port, roundTrips) : httpSink(target, roundTrips);
}

/** The messages among the events: those of a greeting or a ping have no marker. */
const markers = ({ events }: SseClient) =>
  events.flatMap(({ data }) => /@\d{16}#\d{8}#\d{6}@x+/.exec(data) ?? []);

describe.for(subjects)('$name', ({ missing, start }) => {
  test.skipIf(missing() !== null)('carries messages to the streams that asked for them', async () => {
    server = await start(directory);
    sink = await connect(server.target);
    const [port, other] = [server.ports[0]!, server.ports.at(-1)!];
    const first = await open(server.request, port, [CHANNELS[0]]);
    const second = await open(server.request, other, [CHANNELS[1]]);
    const both = await open(server.request, other, CHANNELS);

    const sent = Array.from({ length: 20 }, (_, k) => encodeMessage(1e12 + k, k >> 1, k & 1, BYTES));
    sent.forEach((message, k) => {
      sink!.send(CHANNELS[k & 1]!, message);
    });
    expect(await sink.finish()).toBe(0);
    expect(sink.unanswered).toBe(0);
    await waitFor(() => markers(both).length >= sent.length, 'all messages have arrived');
    await waitFor(() => markers(first).length >= 10 && markers(second).length >= 10, 'on each stream');

    const ofChannel = (channel: number) => sent.filter((_, k) => (k & 1) === channel);
    expect(markers(first)).toEqual(ofChannel(0));
    expect(markers(second)).toEqual(ofChannel(1));
    expect(markers(both).filter((_, i, all) => all[i]!.includes('#000000@'))).toEqual(ofChannel(0));
    expect(markers(both).toSorted()).toEqual(sent);

    expect(await server.rejections()).toEqual({});
    if (server.valkey !== null) {
      expect(await server.valkey.info()).toMatchObject({ rejectedConnections: 0 });
      expect((await subscribedChannels(server.valkey)).filter(isOurs)).toHaveLength(2);
    }

    const pids = [...server.pids, ...(server.valkey === null ? [] : [server.valkey.pid])];
    expect(pids.every(isRunning)).toBe(true);
    await server.stop();
    expect(pids.filter(isRunning)).toEqual([]);
  });
});

/** Servers name them each in its way. */
const isOurs = (name: string) => CHANNELS.some((channel) => name.includes(channel));

/** Whether messages go through Valkey at all: a server could also keep them to itself. */
async function subscribedChannels({ port }: Valkey): Promise<string[]> {
  const client = new ValkeyClient({ host: '127.0.0.1', port });
  const channels = await client.pubsub('CHANNELS');
  client.disconnect();
  return channels as string[];
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
