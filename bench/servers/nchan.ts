import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { start } from '../system/children.ts';
import { accepts, freePort, untilReady } from '../system/ports.ts';
import { childrenOf, openFilesLimit } from '../system/proc.ts';
import { findProgram } from '../system/programs.ts';
import { peerServer, type Server } from './server.ts';
import { startValkey, type Valkey } from './valkey.ts';

const MODULES = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/etc/nginx/modules'].map(
  (directory) => join(directory, 'ngx_nchan_module.so'),
);
const TEMPLATE = new URL('../peers/nginx.conf', import.meta.url);

/** Why nchan cannot be measured here, or null. */
export function nchanMissing(): string | null {
  if (findProgram('nginx') === null) return 'nginx is not installed';
  return MODULES.some(existsSync) ? null : 'the nchan module of nginx is not installed (libnginx-mod-nchan)';
}

/** Messages in the shared memory of nginx: no broker. */
export function startNchan(directory: string): Promise<Server> {
  return startNginx('nchan', directory, null);
}

/**
 * Messages through Valkey, so that several nchan servers share them: in the mode `nostore`, which keeps no history in
 * Valkey, as ssemux does not, and takes a fifth of the CPU there that the default (`distributed`) does. With
 * `fastpublish` a POST is answered without waiting for Valkey. nchan 1.3.6 works with Valkey 8.
 */
export async function startNchanViaValkey(directory: string): Promise<Server> {
  return startNginx('nchan via Valkey', directory, await startValkey(directory));
}

async function startNginx(name: string, directory: string, valkey: Valkey | null): Promise<Server> {
  const port = await freePort();
  const prefix = join(directory, 'nginx');
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, 'nginx.conf'), await configuration(port, valkey));
  const child = start(findProgram('nginx')!, ['-p', prefix, '-c', 'nginx.conf', '-e', 'error.log']);
  await untilReady(child, 'nginx', 10, () => (valkey === null ? accepts(port) : publishes(port)));
  const server = peerServer(child, {
    name,
    port,
    request: { before: '/events?channel=', between: ',', after: '' },
    target: { kind: 'http', port, path: '/publish?channel={channel}', headers: {}, body: '{data}' },
    valkey,
  });
  return { ...server, pids: [...server.pids, ...childrenOf(child.pid!)] }; // its worker does the work
}

/** nginx listens before nchan is connected to Valkey, and refuses messages until then. */
async function publishes(port: number): Promise<boolean> {
  if (!(await accepts(port))) return false;
  const response = await fetch(`http://127.0.0.1:${port}/publish?channel=bench-ready`, {
    method: 'POST',
    body: 'ready',
  });
  return response.ok;
}

async function configuration(port: number, valkey: Valkey | null): Promise<string> {
  const storage = 'nchan_redis_storage_mode nostore; nchan_redis_nostore_fastpublish on;';
  const values: Record<string, string> = {
    port: String(port),
    files: String(openFilesLimit()),
    module: MODULES.find(existsSync)!,
    user: process.getuid?.() === 0 ? 'user root;' : '',
    upstream: valkey === null ? '' : `upstream valkey { ${storage} nchan_redis_server ${valkey.url}; }`,
    pass: valkey === null ? '' : 'nchan_redis_pass valkey;',
  };
  const template = await readFile(TEMPLATE, 'utf8');
  const settings = template.replace(/^#.*\n/gm, ''); // the head names the placeholders
  return settings.replace(/\{(\w+)\}/g, (_, name: string) => values[name]!);
}
