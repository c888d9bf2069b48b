import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisOptions, Redis as Valkey } from 'iovalkey';
import { waitFor } from './wait.ts';

/** A real server of its own, on a free port of loopback. */
export class ValkeyServer {
  readonly port: number;
  readonly url: string;
  readonly #args: string[];
  readonly #dir = mkdtempSync(join(tmpdir(), 'ssemux-valkey-'));
  #process: ChildProcess | undefined;

  private constructor(port: number, args: string[]) {
    this.port = port;
    this.url = `valkey://127.0.0.1:${port}`;
    this.#args = args;
  }

  static async start(...args: string[]): Promise<ValkeyServer> {
    const server = new ValkeyServer(await freePort(), args);
    await server.start();
    return server;
  }

  /** A port for a server that is started later. */
  static async later(...args: string[]): Promise<ValkeyServer> {
    return new ValkeyServer(await freePort(), args);
  }

  async start(): Promise<void> {
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      this.#dir,
      ...this.#args,
    ];
    this.#process = spawn(executable(), args, { stdio: 'ignore' });
    const client = this.client({ retryStrategy: () => 50 });
    try {
      const pid = `process_id:${this.#process.pid}\r`;
      await waitFor(async () => (await client.info('server')).includes(pid), 'our server answers');
    } finally {
      client.disconnect();
    }
  }

  client(options: RedisOptions = {}): Valkey {
    const client = new Valkey({ host: '127.0.0.1', port: this.port, ...options });
    client.on('error', () => {});
    return client;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Kills it at once; it can be started again on the same port. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

let found: string | undefined;
function executable(): string {
  found ??= ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (found === undefined) throw new Error('no valkey-server: run `npm run setup`');
  return found;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
