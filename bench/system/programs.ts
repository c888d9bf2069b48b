import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of the programs that is on PATH, or the usual places of servers. */
export function findProgram(...names: string[]): string | null {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const name of names) {
    const place = places.find((directory) => existsSync(join(directory, name)));
    if (place !== undefined) return join(place, name);
  }
  return null;
}
