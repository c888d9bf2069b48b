import { fileURLToPath } from 'node:url';
import { start } from '../system/children.ts';
import { accepts, freePort, untilReady } from '../system/ports.ts';
import { findProgram } from '../system/programs.ts';
import { peerServer, type Server } from './server.ts';
import { startValkey } from './valkey.ts';

const configuration = fileURLToPath(new URL('../peers/centrifugo.yaml', import.meta.url));
/** As in the configuration. */
const API_KEY = 'bench';

export function centrifugoMissing(): string | null {
  return findProgram('centrifugo') === null ? 'centrifugo is not on PATH' : null;
}

/** One node with its Redis engine on Valkey; streams by its unidirectional SSE transport. */
export async function startCentrifugo(directory: string): Promise<Server> {
  const valkey = await startValkey(directory);
  const port = await freePort();
  // `env` becomes the program that it is given, so the pid is the server's.
  const environment = ['GOMAXPROCS=1', `CENTRIFUGO_ENGINE_REDIS_ADDRESS=${valkey.url}`];
  const flags = [
    '--config',
    configuration,
    '--http_server.address',
    '127.0.0.1',
    '--http_server.port',
    `${port}`,
  ];
  const child = start('env', [...environment, findProgram('centrifugo')!, ...flags], { cwd: directory });
  await untilReady(child, 'Centrifugo', 20, () => accepts(port));
  return peerServer(child, {
    name: 'Centrifugo',
    port,
    // cf_connect is {"subs":{"a":{},"b":{}}}
    request: {
      before: `/connection/uni_sse?cf_connect=${encodeURIComponent('{"subs":{"')}`,
      between: encodeURIComponent('":{},"'),
      after: encodeURIComponent('":{}}}'),
    },
    target: {
      kind: 'http',
      port,
      path: '/api/publish',
      headers: { 'Content-Type': 'application/json', 'X-API-Key': API_KEY },
      body: '{"channel":"{channel}","data":"{data}"}',
    },
    valkey,
  });
}
