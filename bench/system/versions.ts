import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { nchanMissing } from '../servers/nchan.ts';
import { readIfThere } from './proc.ts';
import { findProgram } from './programs.ts';

/** A program that the bench can use. */
export interface Program {
  readonly name: string;
  /** Null where it is missing. */
  readonly version: string | null;
  readonly use: string;
  /** How to get it. */
  readonly install: string;
}

const UNKNOWN = 'unknown version';
const WITH_PEERS = 'npm run setup -- --bench';

export function programs(): Program[] {
  return [
    { name: 'valkey', version: valkeyVersion(), use: 'needed', install: 'npm run setup' },
    program('nginx', /nginx\/(\S+)/, ['-v'], 'peer, with nchan', WITH_PEERS),
    { name: 'nchan', version: nchanVersion(), use: 'peer', install: WITH_PEERS },
    { name: 'better-sse', version: betterSseVersion(), use: 'peer', install: 'npm ci' },
    program(
      'centrifugo',
      /v?(\d+\.\S+)/,
      ['version'],
      'peer',
      'https://centrifugal.dev/docs/getting-started/installation',
    ),
    program('mercure', /v?(\d+\.\S+)/, ['version'], 'peer', 'https://mercure.rocks/docs/hub/install'),
    program(
      'taskset',
      /(\d+\.\S+)/,
      ['--version'],
      'gives the server a core of its own',
      'apt-get install util-linux',
    ),
  ];
}

/** What a program prints, both ways; empty when it fails or is not there. */
export function output(file: string, args: readonly string[], cwd?: string): string {
  const { stdout, stderr, status } = spawnSync(file, args, { encoding: 'utf8', timeout: 5_000, cwd });
  return status === 0 ? `${stdout}${stderr}`.trim() : '';
}

function program(
  name: string,
  version: RegExp,
  args: readonly string[],
  use: string,
  install: string,
): Program {
  const file = findProgram(name);
  return {
    name,
    version: file === null ? null : (version.exec(output(file, args))?.[1] ?? UNKNOWN),
    use,
    install,
  };
}

function valkeyVersion(): string | null {
  const file = findProgram('valkey-server', 'redis-server');
  if (file === null) return null;
  const version = /v=(\S+)/.exec(output(file, ['--version']))?.[1] ?? UNKNOWN;
  return basename(file) === 'valkey-server' ? version : `${version} (${basename(file)})`;
}

/** Debian's package knows; the module itself does not say. */
function nchanVersion(): string | null {
  if (nchanMissing() !== null) return null;
  return output('dpkg-query', ['-W', '-f', `\${Version}`, 'libnginx-mod-nchan']) || UNKNOWN;
}

function betterSseVersion(): string | null {
  const manifest = readIfThere(
    new URL('../../node_modules/better-sse/package.json', import.meta.url).pathname,
  );
  return manifest === null ? null : JSON.parse(manifest).version;
}
