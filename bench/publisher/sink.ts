/** Where messages go. Sending never waits: the schedule is the publisher's, not the server's. */
export interface Sink {
  send(channel: string, data: string): void;
  /** Resolves once everything sent was answered; returns how many messages were refused. */
  finish(): Promise<number>;
}
