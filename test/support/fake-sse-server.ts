import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Histogram } from 'hdr-histogram-js';
import { nowUs } from '../../bench/load/clock.ts';
import { emptyHistogram, record } from '../../bench/load/latency.ts';
import type { Server } from '../../bench/servers/server.ts';

/** What is done to message `sequence` of a channel on its way to stream `stream`. Without any of it, it passes. */
export interface Faults {
  readonly delayMs?: (sequence: number, channel: number) => number;
  readonly drop?: (sequence: number, stream: number) => boolean;
  readonly duplicate?: (sequence: number) => boolean;
  /** Comes after the next one. */
  readonly swap?: (sequence: number) => boolean;
  readonly misdirect?: (sequence: number) => boolean;
  /** The server ends the stream instead. */
  readonly end?: (sequence: number, stream: number, channel: string) => boolean;
  /** Every stream misses this many messages from when it was opened. */
  readonly deafFor?: number;
  /** Refuses streams from this one on. */
  readonly refuse?: { readonly from: number; readonly answer: (response: ServerResponse) => void };
}

export interface FakeServer extends Server {
  /** What it knows of its own delay: from the scheduled time to its write, of every event, us. */
  readonly delayUs: Histogram;
}

/** An SSE server that does wrong as it is told, and passes on whatever is POSTed to it. */
export async function startFakeServer(faults: Faults = {}): Promise<FakeServer> {
  const delayUs = emptyHistogram();
  const streams = new Map<string, { response: ServerResponse; number: number; deafFor: number }[]>();
  let opened = 0;

  const write = (response: ServerResponse, data: string) => {
    record(delayUs, nowUs() - Number(data.slice(1, 17)));
    response.write(`data: ${data}\n\n`);
  };

  const held = new Map<string, string>();
  const publish = (channel: string, data: string): void => {
    const sequence = Number(data.slice(18, 26));
    if (faults.swap?.(sequence)) {
      held.set(channel, data);
      return;
    }
    const before = held.get(channel);
    held.delete(channel);
    deliver(channel, data, sequence);
    if (before !== undefined) deliver(channel, before, sequence - 1);
  };
  const deliver = (channel: string, data: string, sequence: number) => {
    for (const stream of streams.get(channel) ?? []) {
      const { response, number } = stream;
      if (stream.deafFor-- > 0 || faults.drop?.(sequence, number)) continue;
      if (faults.end?.(sequence, number, channel)) response.end();
      else write(response, faults.misdirect?.(sequence) ? data.replace(/#\d{6}@/, '#000999@') : data);
      if (faults.duplicate?.(sequence)) write(response, data);
    }
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://localhost');
    const channels = url.searchParams.getAll('channel');
    if (request.method === 'POST') {
      let data = '';
      for await (const part of request) data += part;
      response.end();
      const delay = faults.delayMs?.(Number(data.slice(18, 26)), Number(data.slice(27, 33))) ?? 0;
      if (delay > 0) setTimeout(publish, delay, channels[0]!, data);
      else publish(channels[0]!, data);
      return;
    }
    const number = opened++;
    if (faults.refuse !== undefined && number >= faults.refuse.from) {
      faults.refuse.answer(response);
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(':\n\n');
    for (const channel of channels) {
      const stream = { response, number, deafFor: faults.deafFor ?? 0 };
      streams.set(channel, [...(streams.get(channel) ?? []), stream]);
      response.on('close', () =>
        streams.set(
          channel,
          streams.get(channel)!.filter((one) => one !== stream),
        ),
      );
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    name: 'fake',
    ports: [port],
    request: { before: '/events?channel=', between: '&channel=', after: '' },
    target: { kind: 'http', port, path: '/publish?channel={channel}', headers: {}, body: '{data}' },
    pids: [process.pid],
    valkey: null,
    delayUs,
    rejections: async () => ({}),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
