import { Valkey as Client } from 'iovalkey';
import { end, favour, start } from '../system/children.ts';
import { accepts, freePort, untilReady } from '../system/ports.ts';
import { findProgram } from '../system/programs.ts';

export interface Valkey {
  readonly port: number;
  readonly pid: number;
  readonly url: string;
  info(): Promise<ValkeyInfo>;
  stop(): Promise<void>;
}

export interface ValkeyInfo {
  /** Without the one that asks. */
  readonly connections: number;
  /** Above it a connection is refused; one is taken by the one that asks. */
  readonly maxClients: number;
  readonly usedMemoryKiB: number;
  readonly rejectedConnections: number;
}

/** A server as installed, but for its port and for writing nothing to disk: its limits are among the results. */
export async function startValkey(directory: string): Promise<Valkey> {
  const program = findProgram('valkey-server', 'redis-server');
  if (program === null) throw new Error('neither valkey-server nor redis-server is on PATH');
  const port = await freePort();
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
  const quiet = ['--save', '', '--appendonly', 'no', '--loglevel', 'warning'];
  const child = start(program, [...place, ...quiet]);
  await untilReady(child, 'Valkey', 10, () => accepts(port));
  favour(child.pid!);
  const client = await connect(port);
  return {
    port,
    pid: child.pid!,
    url: `redis://127.0.0.1:${port}`,
    info: async () => parseInfo(await client.info()),
    async stop() {
      client.disconnect();
      await end(child);
    },
  };
}

/** Opened at the start and kept: a server that has reached its limit would refuse one that comes to ask. */
async function connect(port: number): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {}); // what is asked meanwhile fails, and says so
  await client.connect();
  return client;
}

function parseInfo(text: string): ValkeyInfo {
  const field = (name: string): number => {
    const value = new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`INFO of Valkey has no ${name}`);
    return Number(value);
  };
  return {
    connections: field('connected_clients') - 1,
    maxClients: field('maxclients'),
    usedMemoryKiB: Math.round(field('used_memory') / 1024),
    rejectedConnections: field('rejected_connections'),
  };
}
