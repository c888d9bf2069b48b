import { join } from 'node:path';
import { readIfThere } from './proc.ts';

export interface GroupMemory {
  readonly limit: number;
  /** Of the limit, what is not in use; file cache that would make room counts as not in use. */
  readonly left: number;
}

/** File names of the two versions of control groups: limit, use, and the field of memory.stat that can be given up. */
const VERSIONS = {
  1: ['memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'],
  2: ['memory.max', 'memory.current', 'inactive_file'],
} as const;

/** What version 1 shows for "none" is the largest number of pages; no machine has this much. */
const UNLIMITED = 2 ** 60;

/** Bytes that this process' control group leaves it: the tightest of its ancestors'. Null where none sets a limit. */
export function groupMemory(proc = '/proc', cgroups = '/sys/fs/cgroup'): GroupMemory | null {
  const limits = (readIfThere(join(proc, 'self/cgroup')) ?? '').split('\n').flatMap((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === '') return ancestors(path).map((at) => limitIn(join(cgroups, at), 2));
    if (!controllers.split(',').includes('memory')) return [];
    return ancestors(path).map((at) => limitIn(join(cgroups, 'memory', at), 1));
  });
  return limits.reduce((tightest, each) => {
    if (tightest === null || each === null) return tightest ?? each;
    return each.left < tightest.left ? each : tightest;
  }, null);
}

function limitIn(directory: string, version: 1 | 2): GroupMemory | null {
  const [limitFile, useFile, cacheField] = VERSIONS[version];
  const limit = Number(readIfThere(join(directory, limitFile)) ?? Number.NaN); // "max" is not a number either
  if (!(limit < UNLIMITED)) return null;
  const used = Number(readIfThere(join(directory, useFile)) ?? 0);
  const stat = readIfThere(join(directory, 'memory.stat')) ?? '';
  const cache = Number(new RegExp(`^${cacheField} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return { limit, left: Math.max(0, limit - used + cache) };
}

/** `/a/b`, `/a`, `/`. In a container the path may be the host's: then only the last exists, and is the container's. */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return Array.from(
    { length: parts.length + 1 },
    (_, up) => `/${parts.slice(0, parts.length - up).join('/')}`,
  );
}
