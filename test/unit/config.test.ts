import { describe, expect, test } from 'vitest';
import { parseValkeyUrl, withoutPassword } from '../../src/broker/valkey-url.ts';
import { type Config, ConfigError, gather, validate } from '../../src/config.ts';

const resolve = (argv: string[], env: Record<string, string> = {}, accessControl = false): Config =>
  validate(gather(argv, env), accessControl, () => 1_000);

const problemsOf = (argv: string[], env: Record<string, string> = {}): string[] => {
  try {
    resolve(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
};

describe('settings', () => {
  test('have their defaults', () => {
    expect(resolve([])).toEqual({
      port: 8080,
      host: '127.0.0.1',
      mode: 'dedup',
      allowAnonymous: false,
      heartbeat: 15_000,
      linger: 2_000,
      maxChannels: 100,
      maxBuffer: 1024 ** 2,
      maxBody: 1024 ** 2,
      maxConnections: 1_000,
      maxLifetime: 0,
      logLevel: 'info',
      logFormat: 'pretty',
    });
  });

  test('come from flags before the environment; an empty variable is unset', () => {
    const config = resolve(['--port', '1', '--heartbeat=1.5s'], {
      PORT: '2',
      SSEMUX_LINGER: '1m',
      SSEMUX_MODE: '',
    });
    expect(config).toMatchObject({ port: 1, heartbeat: 1_500, linger: 60_000, mode: 'dedup' });
  });

  test.each([
    ['0', 0],
    ['250ms', 250],
    ['2s', 2_000],
    ['0.5s', 500],
    ['1m', 60_000],
    ['1h', 3_600_000],
  ])('duration %s', (text, milliseconds) => {
    expect(resolve(['--linger', text]).linger).toBe(milliseconds);
  });

  test.each([
    ['2048', 2_048],
    ['2048B', 2_048],
    ['64KiB', 65_536],
    ['2MiB', 2 * 1024 ** 2],
    ['1GiB', 1024 ** 3],
  ])('size %s', (text, bytes) => {
    expect(resolve(['--max-buffer', text]).maxBuffer).toBe(bytes);
  });

  test.each([
    ['--port', '80x'],
    ['--port', '65536'],
    ['--port', '-1'],
    ['--port', '1e3'],
    ['--host', 'a b'],
    ['--mode', 'both'],
    ['--heartbeat', '15'],
    ['--heartbeat', '0'],
    ['--linger', '2 s'],
    ['--linger', '-1s'],
    ['--max-buffer', '1MB'],
    ['--max-buffer', '0'],
    ['--max-channels', '0'],
    ['--max-connections', '1001'],
    ['--max-lifetime', '1ms'],
    ['--publish-key', 'short'],
    ['--valkey-url', 'http://host'],
    ['--valkey-url', 'valkey://host/name'],
    ['--log-level', 'loud'],
  ])('%s %s is refused, saying what would be right', (flag, value) => {
    const problems = problemsOf([`${flag}=${value}`]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(flag);
    expect(problems[0]).toMatch(/\([A-Z_]+\) is ".*": must be /);
  });

  test('are all reported together', () => {
    expect(problemsOf(['--port', 'x'], { SSEMUX_LINGER: 'y', SSEMUX_MODE: 'z' })).toEqual([
      '--port (PORT) is "x": must be a whole number from 0 to 65535',
      '--mode (SSEMUX_MODE) is "z": must be dedup or per-connection',
      '--linger (SSEMUX_LINGER) is "y": must be a duration from 0 to 1h, such as 2s',
    ]);
  });

  test('secrets do not show in errors', () => {
    const text = problemsOf(['--publish-key', 'sec ret', '--valkey-url', 'http://user:sekret@host']).join();
    expect(text).not.toContain('sec ret');
    expect(text).not.toContain('sekret');
  });

  test('a flag that does not exist, or lacks its value, is refused', () => {
    expect(problemsOf(['--prot', '1'])[0]).toContain('--prot');
    expect(problemsOf(['--port'])[0]).toContain('--port');
  });

  test.each(['0.0.0.0', '::', '192.168.0.1', 'example.org'])(
    'listening on %s needs access control or that anonymous access is meant',
    (host) => {
      expect(problemsOf(['--host', host])[0]).toContain('--allow-anonymous');
      expect(resolve(['--host', host, '--allow-anonymous']).host).toBe(host);
      expect(resolve(['--host', host], {}, true).host).toBe(host);
    },
  );

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('%s is loopback', (host) => {
    expect(resolve(['--host', host]).host).toBe(host);
  });
});

describe('Valkey URLs', () => {
  test.each([
    ['valkey://host', { host: 'host', port: 6379, db: 0 }],
    ['redis://host:7000/3', { host: 'host', port: 7000, db: 3 }],
    ['redis://:p%40ss@host', { host: 'host', port: 6379, db: 0, password: 'p@ss' }],
    ['valkey://user:pw@[::1]:1/0', { host: '::1', port: 1, db: 0, username: 'user', password: 'pw' }],
    ['rediss://host', { host: 'host', port: 6379, db: 0, tls: {} }],
    ['valkeys://host', { host: 'host', port: 6379, db: 0, tls: {} }],
  ])('%s', (url, options) => {
    expect(parseValkeyUrl(url)).toEqual(options);
  });

  test.each([
    '',
    'host:6379',
    'http://host',
    'valkey://',
    'valkey://host/x',
    'valkey:host',
    'valkey://u:100%@host',
  ])('%j is refused', (url) => {
    expect(() => parseValkeyUrl(url)).toThrow(/URL such as/);
  });

  test.each([
    ['valkey://user:secret@host', 'valkey://***@host'],
    ['valkey://:secret@host/1', 'valkey://***@host/1'],
    ['valkey://host:6379', 'valkey://host:6379'],
    ['valkey://me:x/pass@db:6379', 'valkey://***@db:6379'],
    ['me:pass@db:6379', '***@db:6379'],
    ['redis+tls://me:pass@db', 'redis+tls://***@db'],
    ['nonsense://user:p@ss@word@host', 'nonsense://***@host'],
  ])('%s shows as %s', (url, shown) => {
    expect(withoutPassword(url)).toBe(shown);
  });
});
