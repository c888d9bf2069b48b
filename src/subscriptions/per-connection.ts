import type { Broker, BrokerSession } from '../broker/broker.ts';
import type { Connection } from '../sse/connection.ts';
import { encodeResync } from '../sse/frame.ts';
import { Audience } from './audience.ts';
import type { FanOut } from './fan-out.ts';
import type { Inbox } from './inbox.ts';
import type { Subscription, SubscriptionManager } from './manager.ts';

/** One session to the broker for each connection: the simplest correct design, right for hundreds of clients. */
export class PerConnectionSubscriptions implements SubscriptionManager {
  readonly #broker: Broker;
  readonly #fanOut: FanOut;
  readonly #inbox: Inbox;
  readonly #open = new Set<OwnSubscription>();

  constructor(broker: Broker, fanOut: FanOut, inbox: Inbox) {
    this.#broker = broker;
    this.#fanOut = fanOut;
    this.#inbox = inbox;
  }

  get subscriptions(): number {
    let sum = 0;
    for (const { channels } of this.#open) sum += channels.length;
    return sum;
  }

  get channels(): number {
    const distinct = new Set<string>();
    for (const { channels } of this.#open) for (const channel of channels) distinct.add(channel);
    return distinct.size;
  }

  /** Whether a session can be had shows only when one is opened; the broker's own link is the best guess. */
  get ready(): boolean {
    return this.#broker.status().state === 'connected';
  }

  async subscribe(channels: readonly string[]): Promise<Subscription> {
    const audience = new Audience();
    const session = this.#broker.openSession({
      message: (channel, payload) => {
        this.#inbox.received++;
        if (audience.members.size === 0) return;
        const frame = this.#inbox.toFrame(channel, payload);
        if (frame !== undefined) this.#fanOut.push(audience, frame, session);
      },
      gap: () => this.#fanOut.push(audience, encodeResync('broker_reconnected')),
      refused: () => this.#fanOut.end(audience, 'revoked'),
    });
    try {
      await session.subscribe(channels);
    } catch (error) {
      session.close();
      throw error;
    }
    const subscription = new OwnSubscription(channels, session, audience, this.#open);
    this.#open.add(subscription);
    return subscription;
  }

  close(): void {
    for (const subscription of this.#open) subscription.close();
  }
}

class OwnSubscription implements Subscription {
  readonly channels: readonly string[];
  readonly #session: BrokerSession;
  readonly #audience: Audience;
  readonly #open: Set<OwnSubscription>;

  constructor(
    channels: readonly string[],
    session: BrokerSession,
    audience: Audience,
    open: Set<OwnSubscription>,
  ) {
    this.channels = channels;
    this.#session = session;
    this.#audience = audience;
    this.#open = open;
  }

  deliverTo(connection: Connection): void {
    this.#audience.members.add(connection);
  }

  close(): void {
    this.#open.delete(this);
    this.#audience.members.clear();
    this.#session.close();
  }
}
