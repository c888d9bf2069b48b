import { fileURLToPath } from 'node:url';
import { end, hasEnded, start } from '../system/children.ts';
import { freePort, until } from '../system/ports.ts';
import type { Server } from './server.ts';
import { startValkey } from './valkey.ts';

export type Mode = 'dedup' | 'per-connection';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** One gateway process as `npm start` runs it, with a Valkey of its own. */
export async function startGateway(mode: Mode, directory: string): Promise<Server> {
  const valkey = await startValkey(directory);
  const port = await freePort();
  const settings = {
    host: '127.0.0.1',
    port: String(port),
    'valkey-url': `redis://127.0.0.1:${valkey.port}`,
    mode,
    'log-level': 'warn',
    'log-format': 'json',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  // For a look inside: BENCH_NODE_FLAGS=--cpu-prof, for one. The figures are to be taken without.
  const extra = process.env.BENCH_NODE_FLAGS?.split(' ') ?? [];
  const node = ['--max-semi-space-size=8', '--disable-warning=ExperimentalWarning', ...extra];
  const child = start(process.execPath, [...node, 'src/main.ts', ...flags], { cwd: root });
  await until(
    'the gateway',
    20,
    () => !hasEnded(child),
    () => isReady(port),
  );
  return {
    name: `ssemux ${mode}`,
    port,
    path: '/events?channel=',
    target: { kind: 'valkey', port: valkey.port },
    pids: [child.pid!],
    valkey,
    async stop() {
      await end(child);
      await valkey.stop();
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;
  } catch {
    return false;
  }
}
