import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { PreflightError } from '../../bench/preflight/check.ts';
import { filesNeeded, streamsHeld } from '../../bench/preflight/costs.ts';
import { type Limits, readLimits } from '../../bench/preflight/limits.ts';
import { needs } from '../../bench/preflight/needs.ts';
import { plan } from '../../bench/preflight/plan.ts';
import { type ValkeyLimits, valkeyNeeds } from '../../bench/preflight/valkey.ts';
import { streamsWithin } from '../../src/access/open-files.ts';

const MODES = ['dedup', 'per-connection', null] as const;

const roomy: Limits = {
  openFiles: { hard: 20_000, raisable: true, most: 1_048_576 },
  systemFiles: { most: Infinity, used: 0 },
  ports: 28_232,
  somaxconn: 4_096,
  synBacklog: 4_096,
  memory: { available: 64 * 2 ** 30, byGroup: false },
  tcpPages: { most: 1e7, used: 0 },
  conntrack: { most: Infinity, used: 0 },
  cores: 2,
};

const load = { streams: 60_000, eventsPerSecond: 0, mode: 'dedup', serverProcesses: 'auto' } as const;

function short(streams: number, limits: Partial<Limits>, mode: (typeof MODES)[number] = 'dedup') {
  const demand = { streams, mode, serverProcesses: 1, clientProcesses: 1 };
  return needs(demand, { ...roomy, ...limits }).filter(({ enough }) => !enough);
}

describe('a plan', () => {
  test('has the fewest gateway processes whose open files hold the streams', () => {
    expect(plan(load, roomy)).toMatchObject({ serverProcesses: 4, problems: [] }); // 19,000 each
    expect(plan({ ...load, streams: 57_000 }, roomy).serverProcesses).toBe(3);
  });

  test('counts two files for a stream in per-connection mode', () => {
    expect(plan({ ...load, streams: 19_000, mode: 'per-connection' }, roomy).serverProcesses).toBe(2);
  });

  test('keeps a fixed number of gateway processes, and says that it is short, which stops nothing', () => {
    const { serverProcesses, problems } = plan({ ...load, serverProcesses: 1 }, roomy);
    expect(serverProcesses).toBe(1);
    expect(problems).toMatchObject([{ name: 'open files of a server process', stops: false }]);
    expect(problems[0]!.fix).toBe('ulimit -n 65536\nor --workers 4');
  });

  test('has more client processes where each has few files or cores to count events on', () => {
    const clients = (limits: Partial<Limits>, eventsPerSecond = 0) =>
      plan({ ...load, eventsPerSecond }, { ...roomy, ...limits }).clientProcesses;
    expect(clients({})).toBe(4);
    expect(clients({ openFiles: { ...roomy.openFiles, hard: 1_064 } })).toBe(60);
    expect(clients({ cores: 64 }, 1_000_000)).toBe(20);
    expect(clients({ cores: 20 }, 1_000_000)).toBe(16); // 4 are the gateway's
    expect(clients({ cores: 1 }, 1_000_000)).toBe(4);
  });

  test('always holds the streams within the open files of its processes', () => {
    fc.assert(
      fc.property(
        fc.record({
          streams: fc.integer({ min: 1, max: 1_000_000 }),
          eventsPerSecond: fc.nat({ max: 10_000_000 }),
          mode: fc.constantFrom(...MODES),
          hard: fc.oneof(fc.integer({ min: 256, max: 1_048_576 }), fc.constant(Infinity)),
          cores: fc.integer({ min: 1, max: 256 }),
        }),
        ({ hard, cores, ...rest }) => {
          const limits = { ...roomy, cores, openFiles: { ...roomy.openFiles, hard } };
          const made = plan({ ...rest, serverProcesses: 'auto' }, limits);
          expect(made.serverProcesses).toBeGreaterThanOrEqual(1);
          expect(made.clientProcesses).toBeGreaterThanOrEqual(1);
          const short = made.problems.map(({ name }) => name);
          expect(short).not.toContain('open files of a server process');
          expect(short).not.toContain('open files of a client process');
        },
      ),
    );
  });

  test("counts a gateway's files as the gateway does", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500_000 }),
        fc.constantFrom('dedup', 'per-connection'),
        (streams, mode) => {
          const files = filesNeeded(streams, mode);
          expect(streamsWithin(files, mode === 'dedup' ? 1 : 2)).toBeGreaterThanOrEqual(streams);
          expect(streamsHeld(files, mode)).toBeGreaterThanOrEqual(streams);
          expect(streamsHeld(files - 1, mode)).toBeLessThan(streams);
        },
      ),
    );
  });
});

describe('a check that is short', () => {
  const mebibyte = 2 ** 20;

  test.each<[string, Partial<Limits>, string]>([
    ['fs.file-max', { systemFiles: { most: 10_000, used: 500 } }, 'sysctl -w fs.file-max=32768'],
    ['ports of a source address', { ports: 1_000 }, 'sysctl -w net.ipv4.ip_local_port_range="1024 65535"'],
    [
      'net.ipv4.tcp_mem, pages',
      { tcpPages: { most: 9_000, used: 100 } },
      'sysctl -w net.ipv4.tcp_mem="8192 12288 16384"',
    ],
    [
      'nf_conntrack_max',
      { conntrack: { most: 10_000, used: 5_000 } },
      'sysctl -w net.netfilter.nf_conntrack_max=16384',
    ],
    [
      'memory available',
      { memory: { available: 512 * mebibyte, byGroup: false } },
      'end other programs, or a machine with 1 GiB',
    ],
    [
      'memory left by the control group',
      { memory: { available: 512 * mebibyte, byGroup: true } },
      'a larger limit: docker run --memory 1g',
    ],
    ['net.core.somaxconn', { somaxconn: 128 }, 'sysctl -w net.core.somaxconn=4096'],
    ['net.ipv4.tcp_max_syn_backlog', { synBacklog: 128 }, 'sysctl -w net.ipv4.tcp_max_syn_backlog=4096'],
  ])('%s has the command that fixes it', (name, limits, fix) => {
    expect(short(10_000, limits)).toMatchObject([{ name, fix }]);
  });

  test('of open files depends on what this user may do', () => {
    const fixOf = (openFiles: Partial<Limits['openFiles']>) =>
      short(70_000, { ports: 64_512, openFiles: { ...roomy.openFiles, ...openFiles } })[0]!.fix;
    expect(fixOf({})).toContain('ulimit -n 131072');
    expect(fixOf({ most: 100_000 })).toMatch(/^sysctl -w fs.nr_open=131072\nulimit -n 131072/);
    expect(fixOf({ raisable: false })).toContain(
      "echo '* - nofile 131072' | sudo tee /etc/security/limits.d/",
    );
  });

  test('of ports to Valkey is a ceiling of per-connection mode, and no command helps past 64,512', () => {
    const ports = (streams: number) =>
      short(streams, { openFiles: { ...roomy.openFiles, hard: Infinity } }, 'per-connection').find(
        ({ name }) => name === 'ports to Valkey',
      );
    expect(ports(28_232)).toBeUndefined();
    expect(ports(28_233)).toMatchObject({ stops: false });
    expect(ports(64_513)!.fix).toBe('fewer of them: one address has 64512 ports at most');
  });

  test('makes an error that names what is there, what is needed and what to do', () => {
    const error = new PreflightError(short(10_000, { somaxconn: 128 }));
    expect(error.message).toBe(
      'This machine does not hold the load:\n' +
        '  net.core.somaxconn: 128 here, 200 needed\n      sysctl -w net.core.somaxconn=4096',
    );
  });
});

describe('Valkey', () => {
  const installed: ValkeyLimits = {
    cli: 'valkey-cli -p 6379',
    maxClients: 10_000,
    connected: 0,
    pubsub: { hard: 32 * 2 ** 20, soft: 8 * 2 ** 20 },
  };
  const shortOf = (valkey: Partial<ValkeyLimits>, mode: (typeof MODES)[number] = 'dedup') => {
    const demand = { streams: 15_000, mode, serverProcesses: 2, clientProcesses: 2 };
    return valkeyNeeds(demand, { ...installed, ...valkey }, roomy.openFiles).filter(({ enough }) => !enough);
  };

  test('as installed is enough for dedup, not for a connection per stream', () => {
    expect(shortOf({})).toEqual([]);
    expect(shortOf({}, 'per-connection')).toMatchObject([
      { fix: 'valkey-cli -p 6379 CONFIG SET maxclients 16000', stops: false },
    ]);
  });

  test('cannot have more clients than open files', () => {
    const [check] = shortOf({ connected: 5_000 }, 'per-connection');
    expect(check!.fix).toBe('ulimit -n 65536\nvalkey-cli -p 6379 CONFIG SET maxclients 21000');
  });

  test('should wait for a subscriber that stops for a moment', () => {
    expect(shortOf({ pubsub: { hard: Infinity, soft: Infinity } })).toEqual([]);
    expect(shortOf({ pubsub: { hard: Infinity, soft: 1024 } })).toMatchObject([
      { fix: 'valkey-cli -p 6379 CONFIG SET client-output-buffer-limit "pubsub 33554432 8388608 60"' },
    ]);
  });
});

describe('the machine', () => {
  let root = '';
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A /proc and a /sys/fs/cgroup of these files. */
  function machine(files: Record<string, string>): Limits {
    root = mkdtempSync(join(tmpdir(), 'ssemux-proc-'));
    for (const [path, text] of Object.entries({ ...PROC, ...files })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), `${text}\n`);
    }
    return readLimits(join(root, 'proc'), join(root, 'cgroup'));
  }

  const PROC = {
    'proc/self/limits':
      'Limit                     Soft Limit           Hard Limit           Units     \n' +
      'Max open files            1024                 524288               files     ',
    'proc/self/status': 'Name:\tnode\nCapEff:\t000001fffeffffff',
    'proc/meminfo': 'MemTotal:       8000000 kB\nMemAvailable:   4000000 kB',
    'proc/net/sockstat': 'sockets: used 12\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 227',
    'proc/sys/fs/file-max': '9223372036854775807',
    'proc/sys/fs/file-nr': '414\t0\t9223372036854775807',
    'proc/sys/fs/nr_open': '1048576',
    'proc/sys/net/core/somaxconn': '4096',
    'proc/sys/net/ipv4/ip_local_port_range': '32768\t60999',
    'proc/sys/net/ipv4/tcp_max_syn_backlog': '2048',
    'proc/sys/net/ipv4/tcp_mem': '287901\t383869\t575802',
  };

  test('is read from /proc', () => {
    expect(machine({})).toMatchObject({
      openFiles: { hard: 524_288, raisable: false, most: 1_048_576 },
      systemFiles: { most: Infinity, used: 414 },
      ports: 28_232,
      somaxconn: 4096,
      synBacklog: 2048,
      memory: { available: 4_096_000_000, byGroup: false },
      tcpPages: { most: 575_802, used: 227 },
      conntrack: { most: Infinity },
    });
  });

  test('may raise its hard limit with the capability for it', () => {
    expect(machine({ 'proc/self/status': 'CapEff:\t000001ffffffffff' }).openFiles.raisable).toBe(true);
  });

  test('has a table of connections only where some are tracked', () => {
    const tracking = { 'proc/sys/net/netfilter/nf_conntrack_max': '262144' };
    const counted = (count: string) =>
      machine({ ...tracking, 'proc/sys/net/netfilter/nf_conntrack_count': count });
    expect(counted('0').conntrack.most).toBe(Infinity);
    expect(counted('7').conntrack).toEqual({ most: 262_144, used: 7 });
  });

  test.each<[string, Record<string, string>]>([
    [
      'of version 2, the tightest of its ancestors',
      {
        'proc/self/cgroup': '0::/bench/run',
        'cgroup/bench/run/memory.max': 'max',
        'cgroup/bench/memory.max': '3000000',
        'cgroup/bench/memory.current': '2500000',
        'cgroup/bench/memory.stat': 'anon 1\ninactive_file 500000',
      },
    ],
    [
      'of version 1, in a container that sees the path of the host',
      {
        'proc/self/cgroup': '4:memory:/docker/0123\n0::/',
        'cgroup/memory/memory.limit_in_bytes': '3000000',
        'cgroup/memory/memory.usage_in_bytes': '2500000',
        'cgroup/memory/memory.stat': 'cache 1\ntotal_inactive_file 500000',
      },
    ],
  ])('has no more memory than its control group leaves: %s', (_, files) => {
    expect(machine(files).memory).toEqual({ available: 1_000_000, byGroup: true });
  });

  test('whose kernel shows less in a container is not taken to be limited', () => {
    root = mkdtempSync(join(tmpdir(), 'ssemux-proc-'));
    for (const path of ['proc/self/limits', 'proc/meminfo'] as const) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), PROC[path]);
    }
    expect(readLimits(join(root, 'proc'), join(root, 'cgroup'))).toMatchObject({
      tcpPages: { most: Infinity },
      somaxconn: Infinity,
      ports: 28_232,
    });
  });
});
