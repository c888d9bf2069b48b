import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { findProgram } from '../servers/valkey.ts';
import { openFilesLimit } from './proc.ts';

/** What a reader needs to judge the figures, or to repeat them. */
export function environment(): Record<string, string> {
  const valkey = findProgram('valkey-server', 'redis-server');
  const nginx = findProgram('nginx');
  return {
    CPU: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: `${release()}, TCP congestion control ${congestionControl()}`,
    'open files': `${openFilesLimit()} per process`,
    'load average': loadavg()
      .map((load) => load.toFixed(2))
      .join(' '),
    Node: process.version,
    Valkey: valkey === null ? 'none' : output(valkey, '--version'),
    nchan: nginx === null ? 'none' : `${output(nginx, '-v')}, ${nchanVersion()}`,
    commit: commit(),
    date: new Date().toISOString(),
  };
}

function output(program: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? (stdout + stderr).trim() : '';
}

function commit(): string {
  const hash = output('git', 'rev-parse', '--short', 'HEAD');
  if (hash === '') return 'unknown';
  return output('git', 'status', '--porcelain') === '' ? hash : `${hash} with uncommitted changes`;
}

/** Debian's package knows; the module itself does not say. */
function nchanVersion(): string {
  const version = output('dpkg-query', '-W', '-f', `\${Version}`, 'libnginx-mod-nchan');
  return `nchan ${version || 'of unknown version'}`;
}

function congestionControl(): string {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
