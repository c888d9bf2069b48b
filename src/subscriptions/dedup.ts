import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Broker, BrokerRefused, type BrokerSession } from '../broker/broker.ts';
import type { Connection } from '../sse/connection.ts';
import { encodeResync } from '../sse/frame.ts';
import { Audience } from './audience.ts';
import type { FanOut } from './fan-out.ts';
import type { Inbox } from './inbox.ts';
import type { Subscription, SubscriptionManager } from './manager.ts';

/**
 * A channel that at least one subscription wants or wanted until a moment ago.
 *
 * References say what is wanted, `held` what the broker has acknowledged; the manager's exchange moves the second
 * towards the first.
 */
class SharedChannel extends Audience {
  readonly name: string;
  references = 0;
  held = false;
  /** Resolves with the SUBSCRIBE that is due or under way: with its failure, or undefined. */
  acknowledgement: PromiseWithResolvers<unknown> | undefined = undefined;
  linger: NodeJS.Timeout | undefined = undefined;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

export interface DedupOptions {
  /** Milliseconds for which a channel stays subscribed after its last subscriber left. */
  linger: number;
}

/**
 * One session for the whole process, one SUBSCRIBE per distinct channel however many connections want it.
 *
 * Commands to the broker go out in rounds, one round at a time: what is asked for while one is under way waits for the
 * next. So no SUBSCRIBE can overtake an UNSUBSCRIBE of the same channel, and under load the rounds grow instead of the
 * number of commands.
 */
export class DedupSubscriptions implements SubscriptionManager {
  readonly #session: BrokerSession;
  readonly #fanOut: FanOut;
  readonly #inbox: Inbox;
  readonly #linger: number;
  readonly #channels = new Map<string, SharedChannel>();
  readonly #toSubscribe = new Set<SharedChannel>();
  readonly #toUnsubscribe = new Set<SharedChannel>();
  #exchanging = false;

  constructor(broker: Broker, fanOut: FanOut, inbox: Inbox, options: DedupOptions) {
    this.#fanOut = fanOut;
    this.#inbox = inbox;
    this.#linger = options.linger;
    this.#session = broker.openSession({
      message: (channel, payload) => this.#message(channel, payload),
      gap: (channels) => this.#gap(channels),
      refused: (channels) => this.#refused(channels),
    });
  }

  get subscriptions(): number {
    let held = 0;
    for (const channel of this.#channels.values()) if (channel.held) held++;
    return held;
  }

  get channels(): number {
    return this.#channels.size;
  }

  get ready(): boolean {
    return this.#session.connected;
  }

  async subscribe(names: readonly string[]): Promise<Subscription> {
    if (!this.#session.connected) await this.#session.ready();
    const channels = names.map((name) => this.#acquire(name));
    // Waits for all, also when one has failed: no reference is given back while a SUBSCRIBE for it is under way.
    const outcomes = await Promise.all(channels.map(({ acknowledgement }) => acknowledgement?.promise));
    const failure = outcomes.find((outcome) => outcome !== undefined);
    if (failure !== undefined) {
      for (const channel of channels) this.#release(channel);
      throw failure;
    }
    return new SharedSubscription(channels, this.#release);
  }

  close(): void {
    for (const { linger } of this.#channels.values()) clearTimeout(linger);
    this.#session.close();
  }

  #acquire(name: string): SharedChannel {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new SharedChannel(name);
      this.#channels.set(name, channel);
    }
    channel.references++;
    clearTimeout(channel.linger);
    channel.linger = undefined;
    this.#toUnsubscribe.delete(channel);
    if (!channel.held && channel.acknowledgement === undefined) {
      channel.acknowledgement = Promise.withResolvers();
      this.#toSubscribe.add(channel);
      this.#exchange();
    }
    return channel;
  }

  /** A property, so that all subscriptions can share it. */
  readonly #release = (channel: SharedChannel): void => {
    if (--channel.references > 0) return;
    if (!channel.held) {
      this.#channels.delete(channel.name);
      return;
    }
    channel.linger = setTimeout(() => {
      this.#toUnsubscribe.add(channel);
      this.#exchange();
    }, this.#linger);
  };

  /** Carries out rounds until nothing is due. The first waits for the event loop's next turn, to take all of this one along. */
  async #exchange(): Promise<void> {
    if (this.#exchanging) return;
    this.#exchanging = true;
    await nextTurn();
    while (this.#toSubscribe.size + this.#toUnsubscribe.size > 0) {
      const joining = [...this.#toSubscribe];
      const leaving = [...this.#toUnsubscribe];
      this.#toSubscribe.clear();
      this.#toUnsubscribe.clear();
      await Promise.all([this.#join(joining), this.#leave(leaving)]); // neither rejects
    }
    this.#exchanging = false;
  }

  async #join(channels: SharedChannel[]): Promise<void> {
    if (channels.length === 0) return;
    let failure: unknown;
    try {
      await this.#session.subscribe(channels.map(({ name }) => name));
      for (const channel of channels) channel.held = true;
    } catch (error) {
      // A channel that the broker refuses must not take along those which happened to be asked for in the same turn.
      if (error instanceof BrokerRefused && channels.length > 1) {
        await Promise.all(channels.map((channel) => this.#join([channel])));
        return;
      }
      failure = error;
    }
    for (const channel of channels) {
      channel.acknowledgement!.resolve(failure);
      channel.acknowledgement = undefined;
    }
  }

  async #leave(channels: SharedChannel[]): Promise<void> {
    if (channels.length === 0) return;
    for (const channel of channels) channel.held = false; // who wants one from now on asks for it in the next round
    await this.#session.unsubscribe(channels.map(({ name }) => name));
    for (const channel of channels) {
      if (channel.references === 0) this.#channels.delete(channel.name);
    }
  }

  #message(name: string, payload: Buffer): void {
    this.#inbox.received++;
    const channel = this.#channels.get(name);
    if (channel === undefined || channel.members.size === 0) return; // nobody to decode it for
    const frame = this.#inbox.toFrame(name, payload);
    if (frame !== undefined) this.#fanOut.push(channel, frame, this.#session);
  }

  #gap(names: readonly string[]): void {
    const affected = new Audience();
    for (const name of names) {
      for (const connection of this.#channels.get(name)?.members ?? []) affected.members.add(connection);
    }
    // What came before the gap must not reach a page after the resync that made it fetch newer state.
    this.#fanOut.pushAfterAll(affected, encodeResync('broker_reconnected'));
  }

  #refused(names: readonly string[]): void {
    for (const name of names) {
      const channel = this.#channels.get(name);
      if (channel === undefined) continue;
      channel.held = false;
      this.#fanOut.end(channel, 'revoked');
    }
  }
}

class SharedSubscription implements Subscription {
  #channels: SharedChannel[];
  readonly #release: (channel: SharedChannel) => void;
  #connection: Connection | undefined = undefined;

  constructor(channels: SharedChannel[], release: (channel: SharedChannel) => void) {
    this.#channels = channels;
    this.#release = release;
  }

  deliverTo(connection: Connection): void {
    this.#connection = connection;
    for (const channel of this.#channels) channel.members.add(connection);
  }

  close(): void {
    for (const channel of this.#channels) {
      if (this.#connection !== undefined) channel.members.delete(this.#connection);
      this.#release(channel);
    }
    this.#channels = [];
  }
}
