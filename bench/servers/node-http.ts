import { fileURLToPath } from 'node:url';
import { end, hasEnded, start } from '../system/children.ts';
import { accepts, freePort, until } from '../system/ports.ts';
import type { Server } from './server.ts';
import { startValkey } from './valkey.ts';

const program = fileURLToPath(new URL('../peers/node-http.ts', import.meta.url));

/** What a team writes itself: bench/peers/node-http.ts, in one Node process as production runs it. */
export async function startNodeHttp(directory: string): Promise<Server> {
  const valkey = await startValkey(directory);
  const port = await freePort();
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  const child = start('env', ['NODE_ENV=production', ...node, program, String(port), valkey.url]);
  await until(
    'node:http',
    20,
    () => !hasEnded(child),
    () => accepts(port),
  );
  return {
    name: 'node:http + better-sse',
    mode: null,
    ports: [port],
    request: { before: '/events?channel=', between: '&channel=', after: '' },
    target: { kind: 'valkey', port: valkey.port },
    pids: [child.pid!],
    valkey,
    rejections: async () => ({}),
    async stop() {
      await end(child);
      await valkey.stop();
    },
  };
}
