import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type EnvironmentRecord, FORMAT } from '../results/record.ts';
import { groupMemory } from './memory.ts';
import { openFiles, sysctl } from './proc.ts';
import { output, programs } from './versions.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const SYSCTLS = [
  'fs.file-max',
  'net.ipv4.ip_local_port_range',
  'net.core.somaxconn',
  'net.ipv4.tcp_max_syn_backlog',
  'net.ipv4.tcp_mem',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
  'net.ipv4.tcp_congestion_control',
  'net.netfilter.nf_conntrack_max',
];

/**
 * What a reader needs to judge the figures, or to repeat them; nothing that says whose machine it is.
 * To be called before anything is started: the load average is meant to be that of the others.
 */
export function environmentRecord(command: string, cores: string): EnvironmentRecord {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    record: 'environment',
    format: FORMAT,
    at: new Date().toISOString(),
    command,
    cpu: { model: cpus()[0]?.model.trim() || 'unknown', cores: cpus().length, use: cores },
    memoryBytes: totalmem(),
    kernel: release(),
    limits: limits(),
    versions: versions(),
    commit: commit(),
    loadAverage: [one, five, fifteen],
  };
}

function limits(): Record<string, string> {
  const { soft, hard } = openFiles();
  const group = groupMemory();
  const settings = SYSCTLS.flatMap((name) => {
    const value = sysctl(name);
    return value === null ? [] : [[name, value.replaceAll('\t', ' ')]];
  });
  return {
    'open files': soft === hard ? String(hard) : `${soft}, at most ${hard}`,
    ...(group === null ? {} : { 'cgroup memory': `${group.limit} bytes` }),
    ...Object.fromEntries(settings),
  };
}

function versions(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  const found = programs().flatMap((each) => (each.version === null ? [] : [[each.name, each.version]]));
  return { node: process.versions.node, ssemux: version, ...Object.fromEntries(found) };
}

function commit(): string {
  const hash = output('git', ['rev-parse', '--short', 'HEAD'], root);
  if (hash === '') return 'unknown';
  return output('git', ['status', '--porcelain', '--untracked-files=no'], root) === ''
    ? hash
    : `${hash} with uncommitted changes`;
}
