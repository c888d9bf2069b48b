import { type ParseArgsConfig, parseArgs } from 'node:util';
import { z } from 'zod';
import { isLoopback } from './access/loopback.ts';
import { parseValkeyUrl, withoutPassword } from './broker/valkey-url.ts';

/** All that is known of one setting. Its value is given as text, by flag or environment or as an option of an embedder. */
export interface Setting<Schema extends z.ZodType = z.ZodType> {
  readonly env: string;
  /** Text of the default; without it the setting is unset by default. */
  readonly fallback?: string;
  /** Stands for the value in the help. A switch has none. */
  readonly placeholder?: string;
  readonly help: string;
  /** What is right, after "must be". */
  readonly expected: string;
  /** From text to value. */
  readonly schema: Schema;
  /** The text as it may be shown: without secrets. */
  readonly show?: (text: string) => string;
}

const setting = <Schema extends z.ZodType>(definition: Setting<Schema>) => definition;

const whole = (min: number, max: number) =>
  z
    .stringFormat('whole', /^\d{1,10}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** Milliseconds from text such as `15s`. Each unit is a factor; 0 needs none. */
const duration = (min: number, max: number) =>
  z
    .stringFormat('duration', /^(0|\d{1,9}(\.\d+)?(ms|s|m|h))$/)
    .transform((text) => Number.parseFloat(text) * (MILLISECONDS[text.replace(/[\d.]/g, '')] ?? 0))
    .pipe(z.number().min(min).max(max));

const BYTES: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const bytes = (min: number, max: number) =>
  z
    .stringFormat('bytes', /^\d{1,10}(B|KiB|MiB|GiB)?$/)
    .transform((text) => Number.parseInt(text, 10) * BYTES[text.replace(/\d/g, '') || 'B']!)
    .pipe(z.number().min(min).max(max));

const isValkeyUrl = (text: string) => {
  try {
    return parseValkeyUrl(text) !== undefined;
  } catch {
    return false;
  }
};

const secret = () => '***';
const DAY = 24 * 3_600_000;

/** Every setting of the gateway: the one schema that flags, environment, options, --help and the README come from. */
export const SETTINGS = {
  port: setting({
    env: 'PORT',
    fallback: '8080',
    placeholder: 'PORT',
    help: 'Port to listen on; 0 lets the system choose.',
    expected: 'a whole number from 0 to 65535',
    schema: whole(0, 65_535),
  }),
  host: setting({
    env: 'HOST',
    fallback: '127.0.0.1',
    placeholder: 'ADDRESS',
    help: 'Address to listen on. Other than loopback needs access control or --allow-anonymous.',
    expected: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    schema: z.stringFormat('host', /^[A-Za-z0-9.:_-]+$/),
  }),
  valkeyUrl: setting({
    env: 'VALKEY_URL',
    placeholder: 'URL',
    help: 'The Valkey (or Redis) that carries the messages: valkey://user:password@host:6379/0, or redis://; with TLS valkeys:// or rediss://. Unset: the embedded memory broker.',
    expected:
      'a URL such as valkey://user:password@host:6379/0 (schemes valkey, redis; with TLS valkeys, rediss)',
    schema: z.string().refine(isValkeyUrl),
    show: withoutPassword,
  }),
  mode: setting({
    env: 'SSEMUX_MODE',
    fallback: 'dedup',
    placeholder: 'MODE',
    help: 'dedup: one Valkey subscription per channel, shared by all streams. per-connection: one Valkey connection per stream.',
    expected: 'dedup or per-connection',
    schema: z.enum(['dedup', 'per-connection']),
  }),
  publishKey: setting({
    env: 'SSEMUX_PUBLISH_KEY',
    placeholder: 'KEY',
    help: 'What POST /publish must carry as Authorization: Bearer KEY. Unset: on loopback it needs none, elsewhere it is off. Better set in the environment, as flags show in process lists.',
    expected: 'at least 8 printable ASCII characters without spaces',
    schema: z.stringFormat('key', /^[\x21-\x7e]{8,}$/),
    show: secret,
  }),
  allowAnonymous: setting({
    env: 'SSEMUX_ALLOW_ANONYMOUS',
    fallback: 'false',
    help: 'Lets everybody who reaches the port open every channel, on other than loopback too.',
    expected: 'true or false',
    schema: z.stringbool(),
  }),
  heartbeat: setting({
    env: 'SSEMUX_HEARTBEAT',
    fallback: '15s',
    placeholder: 'DURATION',
    help: 'A stream silent for so long (or up to 20 % less) gets a comment.',
    expected: 'a duration from 1s to 1h, such as 15s',
    schema: duration(1_000, 3_600_000),
  }),
  linger: setting({
    env: 'SSEMUX_LINGER',
    fallback: '2s',
    placeholder: 'DURATION',
    help: 'A channel stays subscribed for so long after its last stream ended (dedup mode).',
    expected: 'a duration from 0 to 1h, such as 2s',
    schema: duration(0, 3_600_000),
  }),
  maxChannels: setting({
    env: 'SSEMUX_MAX_CHANNELS',
    fallback: '100',
    placeholder: 'N',
    help: 'Channels of one stream, or of one publish request, at most.',
    expected: 'a whole number from 1 to 10000',
    schema: whole(1, 10_000),
  }),
  maxBuffer: setting({
    env: 'SSEMUX_MAX_BUFFER',
    fallback: '1MiB',
    placeholder: 'SIZE',
    help: 'Bytes that may wait for a client that reads slowly; beyond, its stream is closed (slow_consumer).',
    expected: 'a size from 1KiB to 1GiB, such as 1MiB',
    schema: bytes(1024, 1024 ** 3),
  }),
  maxBody: setting({
    env: 'SSEMUX_MAX_BODY',
    fallback: '1MiB',
    placeholder: 'SIZE',
    help: 'Bytes of a publish request at most.',
    expected: 'a size from 1KiB to 64MiB, such as 1MiB',
    schema: bytes(1024, 64 * 1024 ** 2),
  }),
  maxConnections: setting({
    env: 'SSEMUX_MAX_CONNECTIONS',
    placeholder: 'N',
    help: 'Streams at most; further ones are asked to come back. Unset: what the open-files limit allows, with head room.',
    expected: 'a whole number from 1 to 1000000',
    schema: whole(1, 1_000_000),
  }),
  maxLifetime: setting({
    env: 'SSEMUX_MAX_LIFETIME',
    fallback: '0',
    placeholder: 'DURATION',
    help: 'Streams end after so long (or up to 20 % less), and browsers reconnect; 0: never.',
    expected: '0 or a duration from 1s to 24h, such as 1h',
    schema: duration(0, DAY).refine((milliseconds) => milliseconds === 0 || milliseconds >= 1_000),
  }),
  logLevel: setting({
    env: 'SSEMUX_LOG_LEVEL',
    fallback: 'info',
    placeholder: 'LEVEL',
    help: 'debug, info, warn, error or silent.',
    expected: 'debug, info, warn, error or silent',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
  }),
  logFormat: setting({
    env: 'SSEMUX_LOG_FORMAT',
    fallback: 'pretty',
    placeholder: 'FORMAT',
    help: 'json (one object a line) or pretty (for people).',
    expected: 'json or pretty',
    schema: z.enum(['json', 'pretty']),
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;
type Unset = 'valkeyUrl' | 'publishKey' | 'maxConnections';
/** Values of all settings. Durations in milliseconds, sizes in bytes. */
export type Config = {
  readonly [Name in SettingName]:
    | z.output<(typeof SETTINGS)[Name]['schema']>
    | (Name extends Unset ? undefined : never);
};

/** Where the text of a setting came from. */
export type Source = 'flag' | 'environment' | 'option' | 'default';
export interface Given {
  readonly text: string;
  readonly source: Source;
}
export type GivenSettings = Readonly<Partial<Record<SettingName, Given>>>;

/** Settings that are wrong: all of them, a line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

/** `parseArgs` of Node, whose complaints become a {@link ConfigError}. */
export function parseFlags<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new ConfigError([(error as Error).message.split('. ')[0]!]);
  }
}

/** `maxBuffer` is `--max-buffer`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Takes what flags and environment say; a flag wins. An empty variable counts as unset.
 *
 * @throws {ConfigError} for flags that do not exist or lack their value
 */
export function gather(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): GivenSettings {
  const options = Object.fromEntries(
    SETTING_NAMES.map((name) => [
      flagOf(name).slice(2),
      {
        type: settingOf(name).placeholder === undefined ? ('boolean' as const) : ('string' as const),
      },
    ]),
  );
  const flags: Record<string, string | boolean | undefined> = parseFlags({ args: [...argv], options }).values;
  const given: Partial<Record<SettingName, Given>> = {};
  for (const name of SETTING_NAMES) {
    const flag = flags[flagOf(name).slice(2)];
    const variable = env[SETTINGS[name].env];
    if (flag !== undefined) given[name] = { text: String(flag), source: 'flag' };
    else if (variable) given[name] = { text: variable, source: 'environment' };
  }
  return given;
}

/** The text that is in force for each setting, and its source; undefined for one that is unset. */
export function effective(given: GivenSettings, name: SettingName): Given | undefined {
  const { fallback } = settingOf(name);
  return given[name] ?? (fallback === undefined ? undefined : { text: fallback, source: 'default' });
}

/**
 * Validates all settings together.
 *
 * @param accessControl whether something decides who may open which channel
 * @param streamsThatFit streams that the open-files limit allows
 * @throws {ConfigError}
 */
export function validate(
  given: GivenSettings,
  accessControl: boolean,
  streamsThatFit: (config: Config) => number,
): Config & { readonly maxConnections: number } {
  const problems: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of SETTING_NAMES) {
    const { schema, expected } = settingOf(name);
    const text = effective(given, name)?.text;
    if (text === undefined) continue;
    const result = schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else problems.push(`${told(name, text)}: must be ${expected}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const config = values as Config;
  if (!isLoopback(config.host) && !accessControl && !config.allowAnonymous) {
    problems.push(
      `${told('host', config.host)}: everybody who reaches this address could open every channel, as no access control is ` +
        `configured; listen on 127.0.0.1, or say that this is meant with ${flagOf('allowAnonymous')} (${SETTINGS.allowAnonymous.env}=true)`,
    );
  }
  const fit = streamsThatFit(config);
  if (config.maxConnections !== undefined && config.maxConnections > fit) {
    problems.push(
      `${told('maxConnections', String(config.maxConnections))}: must be at most ${fit}, which the open-files limit allows in ${config.mode} mode; raise the limit (ulimit -n) or lower this`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...config, maxConnections: config.maxConnections ?? fit };
}

/** A setting's flag, variable and value, for people. */
function told(name: SettingName, text: string): string {
  const { env, show } = settingOf(name);
  return `${flagOf(name)} (${env}) is "${show === undefined ? text : show(text)}"`;
}
