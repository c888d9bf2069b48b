import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Broker, BrokerSession, BrokerStatus, SessionEvents } from './broker.ts';

/** The embedded broker: channels live in this process alone. For trying ssemux out, for tests, for a single process. */
export class MemoryBroker implements Broker {
  readonly #sessions = new Map<string, Set<MemorySession>>();

  openSession(events: SessionEvents): BrokerSession {
    return new MemorySession(this.#sessions, events);
  }

  async publish(channel: string, payload: Uint8Array): Promise<number> {
    const copy = Buffer.from(payload);
    await nextTurn(); // as from a broker across a socket, and not in the middle of the publisher's own request
    const sessions = this.#sessions.get(channel);
    if (sessions === undefined) return 0;
    for (const session of sessions) session.events.message(channel, copy);
    const receivers = sessions.size;
    for (const session of sessions) await session.flowing?.promise; // a publisher too fast for the streams waits for them
    return receivers;
  }

  status(): BrokerStatus {
    return { type: 'memory', state: 'connected', reconnects: 0 };
  }

  async close(): Promise<void> {
    this.#sessions.clear();
  }
}

class MemorySession implements BrokerSession {
  readonly connected = true;
  readonly events: SessionEvents;
  readonly #sessions: Map<string, Set<MemorySession>>;
  readonly #channels = new Set<string>();

  constructor(sessions: Map<string, Set<MemorySession>>, events: SessionEvents) {
    this.#sessions = sessions;
    this.events = events;
  }

  /** Settles when a paused session is resumed. */
  flowing: PromiseWithResolvers<void> | undefined = undefined;

  async ready(): Promise<void> {}

  async subscribe(channels: readonly string[]): Promise<void> {
    await nextTurn(); // acknowledged in a later turn, as by a broker across a socket
    for (const channel of channels) {
      this.#channels.add(channel);
      const sessions = this.#sessions.get(channel);
      if (sessions === undefined) this.#sessions.set(channel, new Set([this]));
      else sessions.add(this);
    }
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await nextTurn();
    for (const channel of channels) this.#leave(channel);
  }

  pause(): void {
    this.flowing ??= Promise.withResolvers();
  }

  resume(): void {
    this.flowing?.resolve();
    this.flowing = undefined;
  }

  close(): void {
    this.resume();
    for (const channel of this.#channels) this.#leave(channel);
  }

  #leave(channel: string): void {
    this.#channels.delete(channel);
    const sessions = this.#sessions.get(channel);
    sessions?.delete(this);
    if (sessions?.size === 0) this.#sessions.delete(channel);
  }
}
