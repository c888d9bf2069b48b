import type { RedisOptions } from 'iovalkey';

const SCHEMES: Record<string, { tls: boolean }> = {
  'redis:': { tls: false },
  'valkey:': { tls: false },
  'rediss:': { tls: true },
  'valkeys:': { tls: true },
};

/**
 * Reads `redis://[[user]:password@]host[:port][/db]`, also with the schemes `valkey`, and `rediss` or `valkeys` for TLS.
 * Default port 6379, database 0.
 *
 * @throws {Error} saying what would be right; the message holds no part of the URL, which may hold a password
 */
export function parseValkeyUrl(text: string): RedisOptions {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url && SCHEMES[url.protocol];
  const database = url?.pathname.slice(1) || '0';
  if (!url || !scheme || !url.hostname || !/^\d{1,4}$/.test(database) || !isDecodable(url)) {
    throw new Error(
      'a URL such as redis://user:password@host:6379/0 (schemes redis, valkey; with TLS rediss, valkeys)',
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, ''); // [::1] is ::1 to a socket
  return {
    host,
    port: Number(url.port || 6379),
    db: Number(database),
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    ...(scheme.tls && { tls: {} }),
  };
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** The URL, or what was meant as one, without user and password: all that could be either is hidden. */
export function withoutPassword(text: string): string {
  return text.replace(/^([a-z0-9+.-]+:\/\/)?.*@/is, '$1***@');
}
