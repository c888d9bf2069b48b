import { Valkey as Client } from 'iovalkey';
import type { Check } from './check.ts';
import type { Demand } from './costs.ts';
import { openFilesFix } from './fixes.ts';
import type { OpenFiles } from './limits.ts';
import { amount, mebibytes } from './needs.ts';

/** What a Valkey allows its clients. */
export interface ValkeyLimits {
  /** How valkey-cli reaches it; null for one that the bench started, and that is gone again. */
  readonly cli: string | null;
  readonly maxClients: number;
  /** Connections of others. */
  readonly connected: number;
  /** Bytes that may wait for a subscriber: at any time, and for longer than some seconds. Infinity for any. */
  readonly pubsub: { readonly hard: number; readonly soft: number };
}

/** The gateway's two and some to spare. */
const CONNECTIONS_PER_PROCESS = 4;
/** The publisher's, the bench's, and valkey-cli. */
const OTHER_CONNECTIONS = 16;
/** Files that Valkey keeps for itself (CONFIG_MIN_RESERVED_FDS). */
const OWN_FILES = 32;
/** As installed. With less, a subscriber that stops reading for a moment is disconnected: a gap in the streams. */
const PUBSUB = { hard: 32 * 2 ** 20, soft: 8 * 2 ** 20, seconds: 60 };
const TIMEOUT_MS = 3_000;

/** @throws Error that says why it cannot be asked */
export async function readValkey(url: URL): Promise<ValkeyLimits> {
  const { hostname: host, port } = url;
  const client = new Client(url.href.replace(/^valkey/, 'redis'), {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    retryStrategy: () => null,
  });
  let reason: Error | null = null;
  client.on('error', (error: Error) => {
    reason = error;
  });
  try {
    await client.connect();
    const info = await client.info('clients');
    const [, maxClients] = (await client.config('GET', 'maxclients')) as string[];
    const [, buffers = ''] = (await client.config('GET', 'client-output-buffer-limit')) as string[];
    const [, hard, soft] = /pubsub (\d+) (\d+)/.exec(buffers) ?? [];
    const tls = /^(rediss|valkeys):/.test(url.protocol) ? ' --tls' : '';
    return {
      cli: `valkey-cli${host === '127.0.0.1' ? '' : ` -h ${host}`} -p ${port || 6379}${tls}`,
      maxClients: Number(maxClients),
      connected: Number(/^connected_clients:(\d+)/m.exec(info)?.[1] ?? 1) - 1,
      pubsub: { hard: Number(hard) || Infinity, soft: Number(soft) || Infinity },
    };
  } catch (error) {
    throw new Error(((reason ?? error) as Error).message);
  } finally {
    client.disconnect();
  }
}

/** What the gateways need of it. Ceilings, all of them: per-connection mode is to be seen running into maxclients. */
export function valkeyNeeds(demand: Demand, valkey: ValkeyLimits, openFiles: OpenFiles): Check[] {
  const { streams, mode, serverProcesses } = demand;
  const sessions = mode === 'per-connection' ? streams : 0;
  const connections =
    sessions + serverProcesses * CONNECTIONS_PER_PROCESS + OTHER_CONNECTIONS + valkey.connected;
  const set = (setting: string) =>
    valkey.cli === null
      ? `valkey-cli CONFIG SET ${setting}   # on yours; the bench starts its own as installed, and shows its ceiling`
      : `${valkey.cli} CONFIG SET ${setting}`;
  const raise = () => {
    const clients = Math.ceil(connections / 1_000) * 1_000;
    const files = clients + OWN_FILES;
    // Valkey refuses a figure that its own open files do not hold; here they are taken for those of this shell.
    const first = files > openFiles.hard ? `${openFilesFix(files, openFiles)}\n` : '';
    return first + set(`maxclients ${clients}`);
  };
  const { hard, soft } = valkey.pubsub;
  const enough = hard >= PUBSUB.hard && soft >= PUBSUB.soft;
  const buffer = {
    name: "Valkey's buffer for a subscriber",
    here: `${mebibytes(hard)}, lasting ${mebibytes(soft)}`,
    need: `${mebibytes(PUBSUB.hard)}, lasting ${mebibytes(PUBSUB.soft)}`,
    enough,
    fix: enough
      ? ''
      : set(`client-output-buffer-limit "pubsub ${PUBSUB.hard} ${PUBSUB.soft} ${PUBSUB.seconds}"`),
  };
  return [amount("Valkey's maxclients", valkey.maxClients, connections, raise), buffer].map((check) => ({
    ...check,
    stops: false,
  }));
}
