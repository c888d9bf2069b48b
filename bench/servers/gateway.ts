import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { addCounts, type Counts } from '../load/sums.ts';
import { end, start } from '../system/children.ts';
import { freePort, untilReady } from '../system/ports.ts';
import type { Mode } from './mode.ts';
import type { Server } from './server.ts';
import { startValkey } from './valkey.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Gateway processes side by side, each as `npm start` runs it and on a port of its own, with one Valkey for all. `more`
 * holds further settings, by the names of their flags.
 */
export async function startGateway(
  mode: Mode,
  directory: string,
  processes = 1,
  more: Settings = {},
): Promise<Server> {
  const valkey = await startValkey(directory);
  const gateways: Gateway[] = [];
  for (let i = 0; i < processes; i++) gateways.push(await startOne(mode, valkey.url, more));
  const ports = gateways.map(({ port }) => port);
  return {
    name: `ssemux ${mode}`,
    ports,
    request: { before: '/events?channel=', between: '&channel=', after: '' },
    target: { kind: 'valkey', port: valkey.port },
    pids: gateways.map(({ child }) => child.pid!),
    valkey,
    rejections: async () => addCounts(await Promise.all(ports.map(readRejections))),
    async stop() {
      await Promise.all(gateways.map(({ child }) => end(child)));
      await valkey.stop();
    },
  };
}

type Settings = Readonly<Record<string, string>>;

interface Gateway {
  readonly port: number;
  readonly child: ChildProcess;
}

async function startOne(mode: Mode, valkeyUrl: string, more: Settings): Promise<Gateway> {
  const port = await freePort();
  const settings = {
    host: '127.0.0.1',
    port: String(port),
    'valkey-url': valkeyUrl,
    mode,
    'log-level': 'warn',
    'log-format': 'json',
    ...more,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  // For a look inside: BENCH_NODE_FLAGS=--cpu-prof, for one. The figures are to be taken without.
  const extra = process.env.BENCH_NODE_FLAGS?.split(' ') ?? [];
  const node = ['--max-semi-space-size=8', '--disable-warning=ExperimentalWarning', ...extra];
  const child = start(process.execPath, [...node, 'src/main.ts', ...flags], { cwd: root });
  await untilReady(child, 'the gateway', 20, () => isReady(port));
  return { port, child };
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;
  } catch {
    return false;
  }
}

async function readRejections(port: number): Promise<Counts> {
  const response = await fetch(`http://127.0.0.1:${port}/stats`);
  const stats = (await response.json()) as { connections: { rejected: Counts } };
  return stats.connections.rejected;
}
