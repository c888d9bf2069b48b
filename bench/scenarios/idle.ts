import { setTimeout as sleep } from 'node:timers/promises';
import { decimal, type Row } from '../report/table.ts';
import { FlowClients } from '../run/clients.ts';
import type { Server } from '../servers/server.ts';
import { rssKiB, sum } from '../system/proc.ts';
import type { Scenario } from './scenario.ts';

const FEW = 1_000;
const MANY = 15_000;
const TARGET_KIB = 2;

interface Memory {
  readonly fewKiB: number;
  readonly manyKiB: number;
}

export const idle: Scenario = {
  name: 'idle',
  summary: `memory per idle stream: RSS with ${MANY} streams minus RSS with ${FEW}`,
  openFiles: 16_500,
  async run(bench) {
    const rows: Row[] = [];
    const targets = [];
    for (const channels of [1, MANY]) {
      const where = channels === 1 ? 'one channel' : 'a channel each';
      const ssemux = await bench.gateway('dedup', (server) => grow(server, channels));
      const nchan = await bench.nchan((server) => grow(server, channels));
      rows.push(memoryRow('ssemux dedup', where, ssemux));
      if (nchan !== null) rows.push(memoryRow('nchan', where, nchan));
      const own = perStreamKiB(ssemux);
      const text = `${decimal(own)} KiB per idle stream, ${where} (target <= ${TARGET_KIB})`;
      targets.push({ text, met: own <= TARGET_KIB });
    }
    return { rows, runs: [], targets };
  },
};

async function grow(server: Server, channels: number): Promise<Memory> {
  const clients = new FlowClients({ name: 'idle', channels, streams: MANY, rate: 0, bytes: 200 }, server);
  try {
    await clients.open(0, FEW);
    const fewKiB = await settledKiB(server);
    await clients.open(FEW, MANY);
    const manyKiB = await settledKiB(server);
    const closed = (await clients.results(0)).reduce((total, client) => total + client.closed, 0);
    if (closed > 0) throw new Error(`${server.name} ended ${closed} idle streams`);
    return { fewKiB, manyKiB };
  } finally {
    await clients.end();
  }
}

const SAME_KIB = 256;

/** Memory once it no longer moves for five seconds, or after half a minute; heartbeats go on all the while. */
async function settledKiB(server: Server): Promise<number> {
  let kib = sum(server.pids, rssKiB);
  let still = 0;
  for (let second = 0; second < 30 && still < 5; second++) {
    await sleep(1_000);
    const now = sum(server.pids, rssKiB);
    still = Math.abs(now - kib) <= SAME_KIB ? still + 1 : 0;
    kib = now;
  }
  return kib;
}

function perStreamKiB({ fewKiB, manyKiB }: Memory): number {
  return (manyKiB - fewKiB) / (MANY - FEW);
}

function memoryRow(server: string, where: string, memory: Memory): Row {
  return {
    server,
    streams: where,
    [`MiB at ${FEW}`]: decimal(memory.fewKiB / 1024),
    [`MiB at ${MANY}`]: decimal(memory.manyKiB / 1024),
    'KiB per stream': decimal(perStreamKiB(memory)),
  };
}
