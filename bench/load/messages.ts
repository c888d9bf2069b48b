import type { Flow } from './flow.ts';

// What the processes of a run say to each other over IPC: each request has exactly one reply.

export interface OpenStreams {
  readonly do: 'open';
  readonly flow: Flow;
  /** Streams `first` to `first + count - 1` of the flow. */
  readonly first: number;
  readonly count: number;
  readonly port: number;
  /** Request path; the channel's name is appended. */
  readonly path: string;
  /** Every source address has its own range of ephemeral ports. */
  readonly localAddress: string;
}

export interface Window {
  readonly fromUs: number;
  readonly toUs: number;
}

export interface SetWindow extends Window {
  readonly do: 'window';
}

export interface AskReceived {
  readonly do: 'received';
}

export interface AskResult {
  readonly do: 'result';
  /** Messages published on the whole flow. */
  readonly published: number;
}

export type ClientRequest = OpenStreams | SetWindow | AskReceived | AskResult;

export interface ClientResult {
  /** Events that arrived within the window: what CPU time is divided by. */
  readonly delivered: number;
  /** Of the events scheduled within the window: arrival minus scheduled time, us. */
  readonly latency: string;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly malformed: number;
  /** Streams the server ended. */
  readonly closed: number;
}

export type PublishTarget =
  | { readonly kind: 'valkey'; readonly port: number }
  | { readonly kind: 'nchan'; readonly port: number; readonly path: string };

export interface Connect {
  readonly do: 'connect';
  readonly target: PublishTarget;
}

export interface Publish {
  readonly do: 'publish';
  readonly flows: readonly Flow[];
  readonly startUs: number;
  readonly seconds: number;
}

export type PublisherRequest = Connect | Publish;

export interface PublisherResult {
  readonly sent: number;
  readonly failed: number;
  /** Sending minus scheduled time, us. */
  readonly lateness: string;
}
