import { centrifugoMissing, startCentrifugo } from './centrifugo.ts';
import { mercureMissing, startMercure } from './mercure.ts';
import { nchanMissing, startNchan, startNchanViaValkey } from './nchan.ts';
import { startNodeHttp } from './node-http.ts';
import type { Server } from './server.ts';

/** What is measured beside ssemux, under the same load. */
export interface Peer {
  readonly name: 'nchan' | 'nchan-valkey' | 'node-http' | 'centrifugo' | 'mercure';
  /** Why it cannot be measured here, or null. */
  missing(): string | null;
  start(directory: string): Promise<Server>;
}

export const peers: readonly Peer[] = [
  { name: 'nchan', missing: nchanMissing, start: startNchan },
  { name: 'nchan-valkey', missing: nchanMissing, start: startNchanViaValkey },
  { name: 'node-http', missing: () => null, start: startNodeHttp },
  { name: 'centrifugo', missing: centrifugoMissing, start: startCentrifugo },
  { name: 'mercure', missing: mercureMissing, start: startMercure },
];
