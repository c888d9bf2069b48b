import type { Connection } from '../sse/connection.ts';

/** Decides how connections share sessions to the broker. */
export interface SubscriptionManager {
  /** How many subscriptions the broker holds for this process. */
  readonly subscriptions: number;
  /** How many distinct channels they are for. */
  readonly channels: number;
  /** Whether new streams can be served just now. */
  readonly ready: boolean;
  /**
   * Resolves once the broker has acknowledged every channel; rejects with BrokerUnavailable or BrokerRefused, then with no
   * effect.
   * The subscription holds the channels until closed.
   */
  subscribe(channels: readonly string[]): Promise<Subscription>;
  close(): void;
}

export interface Subscription {
  /** From now on the connection gets every message of the channels: it must be open. To be called once. */
  deliverTo(connection: Connection): void;
  /** Ends delivery and lets go of the channels. Closing twice is harmless. */
  close(): void;
}
