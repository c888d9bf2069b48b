import {
  type Broker,
  BrokerRefused,
  type BrokerSession,
  type BrokerStatus,
  BrokerUnavailable,
  type SessionEvents,
} from '../../src/broker/broker.ts';

interface Command {
  name: 'subscribe' | 'unsubscribe';
  channels: readonly string[];
  answer: PromiseWithResolvers<void>;
}

/** A broker with one session, whose every acknowledgement and whose link the test controls. */
export class FakeBroker implements Broker {
  /** Commands that wait for their acknowledgement, in the order of sending. */
  readonly inFlight: Command[] = [];
  /** All commands ever sent. */
  readonly sent: { name: Command['name']; channels: readonly string[] }[] = [];
  /** What the server side has subscribed for the session. */
  readonly subscribed = new Set<string>();
  readonly refused = new Set<string>();
  up = true;
  #events: SessionEvents | undefined;
  /** What the session's owner holds, to be subscribed anew after a loss. */
  readonly #held = new Set<string>();

  openSession(events: SessionEvents): BrokerSession {
    this.#events = events;
    const broker = this;
    return {
      get connected() {
        return broker.up;
      },
      async ready() {
        if (!broker.up) throw new BrokerUnavailable('away');
      },
      subscribe: (channels) => this.#send('subscribe', channels),
      unsubscribe: (channels) => {
        for (const channel of channels) this.#held.delete(channel);
        return this.up ? this.#send('unsubscribe', channels).catch(() => {}) : Promise.resolve();
      },
      pause: () => {},
      resume: () => {},
      close: () => {},
    };
  }

  #send(name: Command['name'], channels: readonly string[]): Promise<void> {
    if (!this.up) return Promise.reject(new BrokerUnavailable('away'));
    this.sent.push({ name, channels });
    const answer = Promise.withResolvers<void>();
    this.inFlight.push({ name, channels, answer });
    return answer.promise;
  }

  /** The server carries out and acknowledges the oldest command. */
  acknowledge(): void {
    const command = this.inFlight.shift();
    if (command === undefined) return;
    const { name, channels, answer } = command;
    if (name === 'subscribe' && channels.some((channel) => this.refused.has(channel))) {
      answer.reject(new BrokerRefused('NOPERM'));
      return;
    }
    for (const channel of channels) {
      if (name === 'subscribe') {
        this.subscribed.add(channel);
        this.#held.add(channel);
      } else this.subscribed.delete(channel);
    }
    answer.resolve();
  }

  lose(): void {
    this.up = false;
    this.subscribed.clear();
    for (const { answer } of this.inFlight.splice(0)) answer.reject(new BrokerUnavailable('lost'));
  }

  regain(): void {
    if (this.up) return;
    this.up = true;
    const refused = [...this.#held].filter((channel) => this.refused.has(channel));
    for (const channel of refused) this.#held.delete(channel);
    if (refused.length > 0) this.#events!.refused(refused);
    for (const channel of this.#held) this.subscribed.add(channel);
    if (this.#held.size > 0) this.#events!.gap([...this.#held]);
  }

  async publish(channel: string, payload: Uint8Array): Promise<number> {
    if (!this.subscribed.has(channel)) return 0;
    this.#events!.message(channel, Buffer.from(payload));
    return 1;
  }

  status(): BrokerStatus {
    return { type: 'memory', state: this.up ? 'connected' : 'connecting', reconnects: 0 };
  }

  async close(): Promise<void> {}
}
