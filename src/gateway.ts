import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Authorize } from './access/authorizer.ts';
import { isLoopback } from './access/loopback.ts';
import { openFilesLimit, streamsWithin } from './access/open-files.ts';
import type { Broker, BrokerStatus } from './broker/broker.ts';
import { MemoryBroker } from './broker/memory.ts';
import { ValkeyBroker } from './broker/valkey.ts';
import {
  type Config,
  ConfigError,
  type GivenSettings,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  validate,
} from './config.ts';
import { HttpServer } from './http/app.ts';
import { events } from './http/events.ts';
import { healthz, readyz, stats } from './http/health.ts';
import { page } from './http/page.ts';
import { publish } from './http/publish.ts';
import { createLog, type Log, RateLimitedLog } from './log.ts';
import type { CloseReason, RejectReason } from './sse/reasons.ts';
import { Registry } from './sse/registry.ts';
import { DedupSubscriptions } from './subscriptions/dedup.ts';
import { FanOut } from './subscriptions/fan-out.ts';
import { type DropReason, Inbox } from './subscriptions/inbox.ts';
import type { SubscriptionManager } from './subscriptions/manager.ts';
import { PerConnectionSubscriptions } from './subscriptions/per-connection.ts';

/**
 * Options of an embedded gateway: every setting by its name in camel case, as text (`heartbeat: '15s'`), number or boolean;
 * see the table of settings. The environment is not read.
 */
export type GatewayOptions = { readonly [Name in SettingName]?: string | number | boolean | undefined } & {
  /** Decides about each stream before anything is subscribed. Without it, everybody may open every channel. */
  readonly authorize?: Authorize | undefined;
  /** Where to log, in place of standard output. */
  readonly log?: Log | undefined;
};

export interface Gateway {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  stats(): GatewayStats;
  /** Ends all streams, finishes requests under way, and lets go of port and broker. */
  close(): Promise<void>;
}

export interface GatewayStats {
  readonly version: string;
  readonly pid: number;
  readonly uptime_seconds: number;
  readonly mode: Config['mode'];
  readonly connections: {
    readonly open: number;
    readonly max: number;
    /** Connections whose client reads too slowly just now, and the bytes waiting for them. */
    readonly congested: number;
    readonly buffered_bytes: number;
    /** Since the start. */
    readonly opened: number;
    readonly closed: Readonly<Record<CloseReason, number>>;
    readonly rejected: Readonly<Record<RejectReason, number>>;
  };
  /** Distinct channels, and the broker's subscriptions that serve them: the same number in dedup mode. */
  readonly channels: number;
  readonly subscriptions: number;
  /** Since the start. */
  readonly messages: {
    /** Messages that came from the broker. */
    readonly in: number;
    /** Events written to streams or waiting for a slow one. */
    readonly out: number;
    readonly dropped: Readonly<Record<DropReason, number>>;
  };
  readonly broker: BrokerStatus;
  readonly memory: { readonly rss_bytes: number };
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
export const VERSION = version;

/** Milliseconds that requests under way get to finish when the gateway closes. */
const FINISH_DEADLINE = 2_000;

/**
 * Starts a gateway inside this program.
 *
 * @throws {ConfigError} naming every option that is wrong
 * @throws {Error} if it cannot listen
 */
export async function createGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { authorize, log, ...settings } = options;
  const given: Partial<Record<SettingName, { text: string; source: 'option' }>> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(SETTINGS, name)) {
      throw new ConfigError([
        `unknown option "${name}"; the options are authorize, log, ${SETTING_NAMES.join(', ')}`,
      ]);
    }
    if (value !== undefined) given[name as SettingName] = { text: String(value), source: 'option' };
  }
  return startGateway(resolveSettings(given, authorize !== undefined), { authorize, log });
}

export type ResolvedConfig = ReturnType<typeof resolveSettings>;

/** Validates settings against each other and this machine. */
export function resolveSettings(given: GivenSettings, accessControl: boolean) {
  return validate(given, accessControl, ({ mode, valkeyUrl }) =>
    streamsWithin(openFilesLimit(), mode === 'per-connection' && valkeyUrl !== undefined ? 2 : 1),
  );
}

/** The composition root: the only place that chooses implementations. */
export async function startGateway(
  config: ResolvedConfig,
  {
    authorize,
    log = createLog(config.logLevel, config.logFormat),
  }: Pick<GatewayOptions, 'authorize' | 'log'> = {},
): Promise<Gateway> {
  const registry = new Registry(
    {
      maxConnections: config.maxConnections,
      maxBuffer: config.maxBuffer,
      heartbeat: Math.ceil(config.heartbeat / 1000),
      maxLifetime: Math.ceil(config.maxLifetime / 1000),
      now: monotonicSecond(),
    },
    log,
  );
  const broker: Broker =
    config.valkeyUrl === undefined ? new MemoryBroker() : new ValkeyBroker(config.valkeyUrl, log);
  const fanOut = new FanOut(registry);
  const inbox = new Inbox(log);
  const subscriptions: SubscriptionManager =
    config.mode === 'dedup'
      ? new DedupSubscriptions(broker, fanOut, inbox, { linger: config.linger })
      : new PerConnectionSubscriptions(broker, fanOut, inbox);

  const startedAt = monotonicSecond();
  const readStats = (): GatewayStats => ({
    version,
    pid: process.pid,
    uptime_seconds: monotonicSecond() - startedAt,
    mode: config.mode,
    connections: {
      open: registry.size,
      max: config.maxConnections,
      congested: registry.congested,
      buffered_bytes: registry.bufferedBytes,
      opened: registry.opened,
      closed: registry.closed,
      rejected: registry.rejected,
    },
    channels: subscriptions.channels,
    subscriptions: subscriptions.subscriptions,
    messages: { in: inbox.received, out: registry.delivered, dropped: inbox.dropped },
    broker: broker.status(),
    memory: { rss_bytes: process.memoryUsage.rss() },
  });

  const { maxChannels, maxBody, publishKey } = config;
  const rateLimited = new RateLimitedLog();
  const eventsOptions = { registry, subscriptions, authorize, maxChannels, log, rateLimited };
  const publishOptions = {
    broker,
    publishKey,
    openWithoutKey: isLoopback(config.host),
    maxBody,
    maxChannels,
  };
  const html = readFileSync(new URL('./demo/page.html', import.meta.url));
  const server = new HttpServer(
    {
      '/': { GET: page(html) },
      '/events': { GET: (exchange) => events(exchange, eventsOptions) },
      '/publish': { POST: (exchange) => publish(exchange, publishOptions) },
      '/healthz': { GET: healthz },
      '/readyz': {
        GET: readyz(() => !registry.draining && subscriptions.ready && broker.status().state === 'connected'),
      },
      '/stats': { GET: stats(readStats) },
    },
    log,
  );

  const ticking = setInterval(() => registry.tick(monotonicSecond()), 1_000);
  const release = async () => {
    clearInterval(ticking);
    server.close();
    subscriptions.close();
    await broker.close();
  };

  let port: number;
  try {
    port = await server.listen(config.host, config.port);
  } catch (error) {
    await release();
    throw error;
  }

  let closing: Promise<void> | undefined;
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    stats: () => structuredClone(readStats()),
    close() {
      closing ??= (async () => {
        server.stopListening();
        registry.drain();
        const deadline = performance.now() + FINISH_DEADLINE;
        while (server.pending > 0 && performance.now() < deadline) await sleep(10);
        await release();
      })();
      return closing;
    },
  };
}

function monotonicSecond(): number {
  return Math.floor(performance.now() / 1000);
}
