import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Valkey as Client } from 'iovalkey';
import { end, favour, hasEnded, start } from '../system/children.ts';
import { accepts, freePort, until } from '../system/ports.ts';

export interface Valkey {
  readonly port: number;
  readonly pid: number;
  /** Connections to it, without the one that asks. */
  connections(): Promise<number>;
  stop(): Promise<void>;
}

/** The first of the programs that is on PATH, or the usual places of servers. */
export function findProgram(...names: string[]): string | null {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const name of names) {
    const place = places.find((directory) => existsSync(join(directory, name)));
    if (place !== undefined) return join(place, name);
  }
  return null;
}

export async function startValkey(directory: string): Promise<Valkey> {
  const program = findProgram('valkey-server', 'redis-server');
  if (program === null) throw new Error('neither valkey-server nor redis-server is on PATH');
  const port = await freePort();
  const options = ['--port', port, '--bind', '127.0.0.1', '--dir', directory, '--maxclients', 15_000];
  const quiet = ['--save', '', '--appendonly', 'no', '--loglevel', 'warning'];
  const child = start(program, [...options.map(String), ...quiet]);
  await until(
    'Valkey',
    10,
    () => !hasEnded(child),
    () => accepts(port),
  );
  favour(child.pid!);
  return {
    port,
    pid: child.pid!,
    connections: () => countConnections(port),
    stop: () => end(child),
  };
}

async function countConnections(port: number): Promise<number> {
  const client = new Client({ host: '127.0.0.1', port, lazyConnect: true });
  await client.connect();
  const info = await client.info('clients');
  client.disconnect();
  return Number(/connected_clients:(\d+)/.exec(info)?.[1] ?? 0) - 1;
}
