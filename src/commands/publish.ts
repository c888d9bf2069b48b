import { text } from 'node:stream/consumers';
import { Redis as Valkey } from 'iovalkey';
import { parseValkeyUrl, withoutPassword } from '../broker/valkey-url.ts';
import { ConfigError, parseFlags } from '../config.ts';
import { Publisher, type PublisherEvent } from '../publisher/publisher.ts';

const DEFAULT_URL = 'valkey://127.0.0.1:6379';

const OPTIONS = {
  event: { type: 'string' },
  data: { type: 'string' },
  id: { type: 'string' },
  retry: { type: 'string' },
  'valkey-url': { type: 'string' },
} as const;

/**
 * `ssemux publish CHANNEL --event status --data '<b>hi</b>'`: publishes one event through Valkey, and prints how many
 * subscribers, that is gateways, it went to. Data `-` is read from standard input.
 */
export async function publishCommand(argv: string[]): Promise<number> {
  const { channel, event, url } = await readArguments(argv);
  const client = connectTo(url);
  let cause: Error | undefined;
  client.on('error', (error: Error) => {
    cause = error;
  });
  try {
    console.log(`receivers: ${await new Publisher({ client }).publish(channel, event)}`);
    return 0;
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError([error.message]);
    const reason = (cause ?? (error as Error)).message;
    console.error(`ssemux: could not publish through ${withoutPassword(url)}: ${reason}`);
    console.error('ssemux: give the Valkey of the gateway as --valkey-url or VALKEY_URL');
    return 1;
  } finally {
    client.disconnect();
  }
}

async function readArguments(
  argv: string[],
): Promise<{ channel: string; event: PublisherEvent; url: string }> {
  const { values, positionals } = parseFlags({ args: argv, options: OPTIONS, allowPositionals: true });
  const [channel] = positionals;
  if (channel === undefined || positionals.length > 1) {
    throw new ConfigError([`publish takes one channel, such as order:123, not ${positionals.length}`]);
  }
  if (values.retry !== undefined && !/^\d+$/.test(values.retry)) {
    throw new ConfigError([`--retry is "${values.retry}": must be a whole number of milliseconds`]);
  }
  const event: PublisherEvent = {
    data: values.data === '-' ? await text(process.stdin) : (values.data ?? ''),
    ...(values.event !== undefined && { event: values.event }),
    ...(values.id !== undefined && { id: values.id }),
    ...(values.retry !== undefined && { retry: Number(values.retry) }),
  };
  return { channel, event, url: values['valkey-url'] ?? (process.env.VALKEY_URL || DEFAULT_URL) };
}

function connectTo(url: string): Valkey {
  try {
    return new Valkey({
      ...parseValkeyUrl(url),
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: 5_000,
      commandTimeout: 5_000,
    });
  } catch (error) {
    throw new ConfigError([
      `--valkey-url (VALKEY_URL) is "${withoutPassword(url)}": must be ${(error as Error).message}`,
    ]);
  }
}
