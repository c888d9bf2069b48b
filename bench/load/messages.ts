import type { Flow } from '../scenarios/scenario.ts';

// What the processes of a run say to each other over IPC: each request has exactly one reply. Histograms travel
// encoded (HdrHistogram V2, compressed, base64).

/** How a server is asked for a stream of some channels: `before`, each channel, `between` them, `after`. */
export interface StreamRequest {
  readonly before: string;
  readonly between: string;
  readonly after: string;
}

/** Opens the streams `first` to `first + count - 1` of a flow. */
export interface OpenStreams {
  readonly do: 'open';
  readonly flow: Flow;
  readonly first: number;
  readonly count: number;
  readonly ports: readonly number[];
  readonly request: StreamRequest;
  /** Streams per second at most; null for as fast as they are accepted. */
  readonly ramp: number | null;
  /** Where the connections come from; see addresses.ts. */
  readonly addressBlock: string;
}

export interface Opened {
  readonly opened: number;
  /** When the first connection was begun, and when the last stream was open. */
  readonly fromUs: number;
  readonly toUs: number;
  /** From `connect`, or when that was due where there is a ramp, to the first bytes of the body, us. */
  readonly connectUs: string;
  /** Attempts that did not become a stream, by what came instead. */
  readonly refused: Readonly<Record<string, number>>;
  /** Whether a stream was refused for good, so that no further ones were tried. */
  readonly gaveUp: boolean;
}

/** Events scheduled within it are measured. */
export interface Window {
  readonly fromUs: number;
  readonly toUs: number;
}

export interface SetWindow extends Window {
  readonly do: 'window';
}

/** From now on `perSecond` streams leave and are replaced, until told otherwise. */
export interface Churn {
  readonly do: 'churn';
  readonly perSecond: number;
  /** What those who leave must have seen follows from it. */
  readonly published: Published;
}

/** Drops all streams and opens them again; replied to once each has received an event, or the time is up. */
export interface Storm {
  readonly do: 'storm';
  readonly untilUs: number;
  readonly published: Published;
}

export interface StormResult {
  /** From the drop to the stream's next event, us. */
  readonly backUs: string;
  /** From the drop to the reconnected stream's first bytes, us. */
  readonly reconnectUs: string;
  readonly refused: Readonly<Record<string, number>>;
  /** Streams that had received nothing again when the time was up. */
  readonly gone: number;
  /** Of a core, from the drop until all were back. */
  readonly clientPercent: number;
}

export interface AskProgress {
  readonly do: 'progress';
  /** What was published so far, or will have been: null before. */
  readonly published: Published | null;
}

export interface Progress {
  readonly opened: number;
  readonly received: number;
  /** Streams that have not yet seen the last message of one of their channels. */
  readonly behind: number;
}

/** The schedule of a flow, from which follows what each stream must have received. */
export interface Published {
  readonly startUs: number;
  readonly messages: number;
}

export interface AskResult {
  readonly do: 'result';
  readonly published: Published;
}

export type ClientRequest = OpenStreams | SetWindow | Churn | Storm | AskProgress | AskResult;

export interface ClientResult extends Faults {
  /** Events that arrived within the window: what CPU time is divided by. */
  readonly delivered: number;
  /** Of the events scheduled within the window: arrival minus scheduled time, us. */
  readonly latencyUs: string;
  readonly received: number;
  /** Streams that left and were replaced, of their own. */
  readonly replaced: number;
  /** Of the streams that never read, those that the server ended, as it should. */
  readonly unreadEnded: number;
}

/** All of these are 0 in a run without fault. */
export interface Faults {
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Events of channels the stream did not ask for. */
  readonly misdirected: number;
  /** Breaches of HTTP chunking or of the message's own form. */
  readonly malformed: number;
  /** Streams that the server ended, or did not let in again. */
  readonly ended: number;
}

/** `{channel}` and `{data}` in `path` and `body` are replaced by a message's. */
export interface HttpTarget {
  readonly kind: 'http';
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type PublishTarget = { readonly kind: 'valkey'; readonly port: number } | HttpTarget;

export interface Connect {
  readonly do: 'connect';
  readonly target: PublishTarget;
}

export interface Publish {
  readonly do: 'publish';
  readonly flows: readonly Flow[];
  readonly startUs: number;
  readonly seconds: number;
  /** Lateness and round trips are recorded of messages due from then on. */
  readonly recordFromUs: number;
}

export type PublisherRequest = Connect | Publish;

export interface PublisherResult {
  readonly sent: number;
  readonly failed: number;
  /** Sending minus scheduled time, us. */
  readonly latenessUs: string;
  /** From sending a PUBLISH (or POST) to its answer, us. */
  readonly roundTripUs: string;
}
