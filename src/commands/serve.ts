import { isLoopback } from '../access/loopback.ts';
import { withoutPassword } from '../broker/valkey-url.ts';
import { gather, SETTINGS } from '../config.ts';
import { type Gateway, type ResolvedConfig, resolveSettings, startGateway, VERSION } from '../gateway.ts';
import { createLog } from '../log.ts';

/** A second signal, or a shutdown that takes so many milliseconds, ends the process at once. */
const SHUTDOWN_DEADLINE = 4_500;

/** `ssemux [serve]`: runs the gateway until SIGTERM or SIGINT. */
export async function serve(argv: string[]): Promise<undefined> {
  const config = resolveSettings(gather(argv, process.env), false);
  const log = createLog(config.logLevel, config.logFormat);
  const gateway = await startGateway(config, { log }).catch((error: Error) => {
    console.error(`ssemux: ${error.message}`);
    process.exit(1);
  });

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info(`${signal}: ending streams and stopping`);
    setTimeout(() => process.exit(1), SHUTDOWN_DEADLINE).unref();
    gateway.close().then(() => {
      log.info('stopped');
      process.exit(0);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  if (config.logFormat === 'pretty' && config.logLevel !== 'silent')
    process.stdout.write(greeting(config, gateway));
  else log.info({ url: gateway.url, mode: config.mode, broker: gateway.stats().broker.type }, 'listening');
}

function greeting(config: ResolvedConfig, { url }: Gateway): string {
  const { mode, valkeyUrl, host, publishKey } = config;
  const broker =
    valkeyUrl === undefined
      ? 'memory (this process only; set VALKEY_URL for Valkey)'
      : withoutPassword(valkeyUrl);
  const key = publishKey === undefined ? '' : ` -H "authorization: Bearer $${SETTINGS.publishKey.env}"`;
  const publishing =
    publishKey === undefined && !isLoopback(host)
      ? `over HTTP only with a key: set ${SETTINGS.publishKey.env}`
      : `curl ${url}/publish${key} -H 'content-type: application/json' \\
                -d '{"channel":"order:123","event_type":"status","data":"<b>Shipped</b>"}'`;
  return `
  ssemux ${VERSION} is running: ${mode} mode, broker ${broker}

    page      ${url}/
    stream    curl -N '${url}/events?channel=order:123'
    publish   ${publishing}
${isLoopback(host) ? '' : '\n    Everybody who reaches this address may open every channel (--allow-anonymous).\n'}
`;
}
