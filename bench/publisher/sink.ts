/** Where messages go. Sending never waits: the schedule is the publisher's, not the server's. */
export interface Sink {
  /** Messages sent and neither accepted nor refused yet. */
  readonly unanswered: number;
  send(channel: string, data: string): void;
  /** Resolves once everything sent was answered; returns how many messages were refused or never answered. */
  finish(): Promise<number>;
  close(): void;
}
