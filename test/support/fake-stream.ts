import { Connection, type Stream } from '../../src/sse/connection.ts';
import { Registry, type RegistryOptions } from '../../src/sse/registry.ts';
import { MemoryLog } from './log.ts';

/** A stream in memory. Like the real one it takes all bytes, and says when its client is congested. */
export class FakeStream implements Stream {
  readonly chunks: Buffer[] = [];
  opened = false;
  ended = false;
  cutOff = false;
  /** Writes taken until the client counts as congested; Infinity: it reads everything at once. */
  room = Number.POSITIVE_INFINITY;

  open(first: Uint8Array): void {
    this.opened = true;
    this.chunks.push(Buffer.from(first));
  }

  write(bytes: Uint8Array): boolean {
    if (!this.opened || this.ended) throw new Error('write on a stream that is not open');
    this.chunks.push(Buffer.from(bytes));
    this.room--;
    return this.room > 0;
  }

  end(last: Uint8Array): void {
    this.chunks.push(Buffer.from(last));
    this.ended = true;
  }

  cut(): void {
    this.ended = true;
    this.cutOff = true;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

export function makeRegistry(options: Partial<RegistryOptions> = {}): Registry {
  return new Registry(
    { maxConnections: 1_000_000, maxBuffer: 1024 ** 2, heartbeat: 15, maxLifetime: 0, now: 100, ...options },
    new MemoryLog(),
  );
}

/** A connection open in the registry, on a fake stream. */
export function openConnection(registry: Registry): { connection: Connection; stream: FakeStream } {
  const stream = new FakeStream();
  const connection = new Connection(stream, registry);
  if (registry.admit() !== undefined) throw new Error('no place');
  registry.open(connection);
  return { connection, stream };
}
