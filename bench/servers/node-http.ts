import { fileURLToPath } from 'node:url';
import { start } from '../system/children.ts';
import { accepts, freePort, untilReady } from '../system/ports.ts';
import { peerServer, type Server } from './server.ts';
import { startValkey } from './valkey.ts';

const program = fileURLToPath(new URL('../peers/node-http.ts', import.meta.url));

/** What a team writes itself: bench/peers/node-http.ts, in one Node process as production runs it. */
export async function startNodeHttp(directory: string): Promise<Server> {
  const valkey = await startValkey(directory);
  const port = await freePort();
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  const child = start('env', ['NODE_ENV=production', ...node, program, String(port), valkey.url]);
  await untilReady(child, 'node:http', 20, () => accepts(port));
  return peerServer(child, {
    name: 'node:http + better-sse',
    port,
    request: { before: '/events?channel=', between: '&channel=', after: '' },
    target: { kind: 'valkey', port: valkey.port },
    valkey,
  });
}
