/**
 * The port to what carries messages between processes. Delivery is at most once, per channel in the order of
 * publication: what Valkey's pub/sub promises.
 */
export interface Broker {
  /** Opens a dedicated pub/sub link. It heals itself until closed. */
  openSession(events: SessionEvents): BrokerSession;
  /**
   * Publishes and answers how many sessions, of all gateways and other subscribers, the message went to.
   * Rejects with {@link BrokerUnavailable} or {@link BrokerRefused}.
   */
  publish(channel: string, payload: Uint8Array): Promise<number>;
  status(): BrokerStatus;
  close(): Promise<void>;
}

export interface BrokerSession {
  /** Whether the link is up and everything subscribed is acknowledged. */
  readonly connected: boolean;
  /**
   * Resolves once connected. Waits for an attempt under way; rejects with {@link BrokerUnavailable} while the broker is
   * away.
   */
  ready(): Promise<void>;
  /**
   * Resolves when the broker has acknowledged every channel. Rejects with {@link BrokerUnavailable} or
   * {@link BrokerRefused}, and then subscribes none.
   */
  subscribe(channels: readonly string[]): Promise<void>;
  /** Resolves when the broker has acknowledged; while it is away there is nothing to acknowledge. */
  unsubscribe(channels: readonly string[]): Promise<void>;
  /**
   * Takes no further messages until resumed: they wait at the broker, which may drop the link if they are too many, and
   * that is a gap.
   */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface SessionEvents {
  message(channel: string, payload: Buffer): void;
  /** The link was lost and is back: messages of these channels may have been missed in between. */
  gap(channels: readonly string[]): void;
  /** The link was lost and is back, but the broker no longer allows these channels; the session has let go of them. */
  refused(channels: readonly string[]): void;
}

export interface BrokerStatus {
  readonly type: 'memory' | 'valkey';
  readonly state: 'connected' | 'connecting';
  /** Links re-established since the start. */
  readonly reconnects: number;
}

/** The broker cannot do this just now; it may later. */
export class BrokerUnavailable extends Error {
  override readonly name = 'BrokerUnavailable';
}

/** The broker answered and declined, as by an access rule of its own; asking again will not help. */
export class BrokerRefused extends Error {
  override readonly name = 'BrokerRefused';
}
