import type { Options } from 'autocannon';

/** A request, and how many connections make it over and over. */
export interface Target {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly request: Pick<Options, 'method' | 'headers' | 'body'>;
  /** Every answer must be this. */
  readonly answer: string;
}

/** A server-side application publishes over a small pool of connections. */
const SMALL_POOL = 10;

/** Nobody listens to it: what is measured is the request and Valkey's PUBLISH, without a fan-out. */
const CHANNEL = 'loadtest';

export function targets(connections: number, publishKey: string): readonly Target[] {
  const publish = {
    name: 'POST /publish',
    path: '/publish',
    request: {
      method: 'POST',
      headers: { authorization: `Bearer ${publishKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ channel: CHANNEL, event_type: 'status', data: 'x'.repeat(200) }),
    },
    answer: '{"receivers":0}\n',
  } as const;
  const health = {
    name: 'GET /healthz',
    path: '/healthz',
    request: { method: 'GET' },
    answer: 'ok\n',
  } as const;
  return [
    { ...publish, connections },
    ...(connections === SMALL_POOL ? [] : [{ ...publish, connections: SMALL_POOL }]),
    { ...health, connections },
  ];
}
