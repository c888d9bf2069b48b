import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { start } from '../system/children.ts';
import { accepts, freePort, untilReady } from '../system/ports.ts';
import { findProgram } from '../system/programs.ts';
import { peerServer, type Server } from './server.ts';

const caddyfile = fileURLToPath(new URL('../peers/Caddyfile', import.meta.url));
const HUB = '/.well-known/mercure';
/** Guards nothing: the hub listens on 127.0.0.1 for as long as a run. */
const KEY = 'a-key-that-is-only-for-measuring-mercure';

export function mercureMissing(): string | null {
  const program = findProgram('mercure');
  if (program === null) return 'mercure is not on PATH';
  const version = spawnSync(program, ['version'], { encoding: 'utf8' }).stdout ?? '';
  // Its version 1 has other settings, other tokens and `match` for `topic`.
  return /Mercure\.rocks v?[1-9]/.test(version) ? `only 0.x is known here, not ${version.trim()}` : null;
}

/** One hub without history. It has no broker: its transport to Redis is not part of the open-source hub. */
export async function startMercure(directory: string): Promise<Server> {
  const port = await freePort();
  // `env` becomes the program that it is given, so the pid is the hub's. Caddy keeps what it stores in XDG_*_HOME.
  const homes = [`XDG_DATA_HOME=${directory}`, `XDG_CONFIG_HOME=${directory}`];
  const environment = ['GOMAXPROCS=1', `PORT=${port}`, `KEY=${KEY}`, ...homes];
  const command = [findProgram('mercure')!, 'run', '--config', caddyfile, '--adapter', 'caddyfile'];
  const child = start('env', [...environment, ...command], { cwd: directory });
  await untilReady(child, 'Mercure', 20, () => accepts(port));
  const headers = {
    Authorization: `Bearer ${token()}`,
    'Content-Type': 'application/x-www-form-urlencoded',
  };
  return peerServer(child, {
    name: 'Mercure',
    port,
    request: { before: `${HUB}?topic=`, between: '&topic=', after: '' },
    // Messages are made so that forms need not escape them.
    target: { kind: 'http', port, path: HUB, headers, body: 'topic={channel}&data={data}' },
    valkey: null,
  });
}

/** A JWT (RFC 7519) by whose `mercure.publish` claim all topics may be published on. */
function token(): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ mercure: { publish: ['*'] } })}`;
  return `${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`;
}
