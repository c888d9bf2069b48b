import { emptyHistogram, encodeHistogram, record } from '../../bench/load/latency.ts';
import type { Results } from '../../bench/results/file.ts';
import {
  type EnvironmentRecord,
  type FlowResult,
  FORMAT,
  type Measured,
  type RunRecord,
} from '../../bench/results/record.ts';
import { type ScenarioInput, scenario } from '../../bench/scenarios/scenario.ts';

// Records of the benchmark, with what a test does not care about filled in.

export function histogram(us: readonly number[]): string {
  const made = emptyHistogram();
  for (const value of us) record(made, value);
  return encodeHistogram(made);
}

/** A spread with a long tail, that has these percentiles at about `p50Ms` and `p99Ms`. */
export function latencies(p50Ms: number, p99Ms: number, count = 4_000): string {
  const key = `${p50Ms} ${p99Ms} ${count}`;
  const made = known.get(key) ?? makeLatencies(p50Ms, p99Ms, count);
  known.set(key, made);
  return made;
}

const known = new Map<string, string>();

function makeLatencies(p50Ms: number, p99Ms: number, count: number): string {
  const growth = Math.log(p99Ms / p50Ms) / Math.log(50);
  return histogram(
    Array.from({ length: count }, (_, i) => {
      const rest = 1 - (i + 0.5) / count;
      return 1_000 * p50Ms * (0.5 / rest) ** growth;
    }),
  );
}

export function environment(change: Partial<EnvironmentRecord> = {}): EnvironmentRecord {
  return {
    record: 'environment',
    format: FORMAT,
    at: '2026-11-22T10:00:00.000Z',
    command: 'npm run bench -- compare',
    cpu: { model: 'AMD EPYC', cores: 2, use: 'one core for the server, one for everything else' },
    memoryBytes: 24 * 2 ** 30,
    kernel: 'Linux 6.18',
    limits: { 'open files': '20000', 'net.core.somaxconn': '4096' },
    versions: { node: '22.23.3', valkey: '8.0.1' },
    commit: 'a09611a',
    loadAverage: [0.1, 0.2, 0.3],
    ...change,
  };
}

export function scenarioOf(name: string, streams: number, change: Partial<ScenarioInput> = {}) {
  const flows = [{ name, channels: 1, streams, rate: 20 }];
  return scenario.parse({ name, summary: `${streams} streams`, flows, ...change });
}

export function flowResult(name: string, change: Partial<FlowResult> = {}): FlowResult {
  return {
    name,
    delivered: 200_000,
    received: 240_000,
    latencyUs: latencies(10, 20, 2_000),
    lost: 0,
    duplicated: 0,
    reordered: 0,
    misdirected: 0,
    malformed: 0,
    ended: 0,
    replaced: 0,
    unreadEnded: 0,
    ...change,
  };
}

export function measured(change: Partial<Measured> = {}): Measured {
  const quick = histogram([100, 200, 300]);
  return {
    seconds: 10,
    flows: [flowResult('compare')],
    publishing: { sent: 240, failed: 0, latenessUs: quick, roundTripUs: quick },
    cpuUs: {
      server: 1_600_000,
      valkey: 100_000,
      client: 4_000_000,
      publisher: 200_000,
      others: 100_000,
      shared: null,
      stolen: null,
    },
    sharedCores: 1,
    storm: null,
    ...change,
  };
}

export function run(change: Partial<RunRecord> = {}): RunRecord {
  return {
    record: 'run',
    at: '2026-11-22T10:01:00.000Z',
    repeat: 'npm run bench -- latency --clients 1000 --mode dedup',
    server: { name: 'ssemux', mode: 'dedup', processes: 1 },
    scenario: scenarioOf('compare', 1_000),
    repetition: 1,
    opening: { wanted: 1_000, opened: 1_000, seconds: 2, connectUs: histogram([1_000]), refused: {} },
    stopped: null,
    measured: measured(),
    memoryKiB: { empty: 80_000, few: null, open: 82_000, end: 82_500, kernelSockets: 9_000 },
    valkey: { connections: 3, maxClients: 10_000, usedMemoryKiB: 1_000, residentKiB: 9_000 },
    ...change,
  };
}

export const MAX_CLIENTS = {
  limit: 'Valkey maxclients',
  reason: 'Valkey accepts 10,000 connections (maxclients) and refused 2,004 more.',
  fix: 'valkey-cli CONFIG SET maxclients 20000, or dedup mode, which needs a few',
  ceiling: true,
};

export function results(runs: readonly RunRecord[], change: Partial<EnvironmentRecord> = {}): Results {
  return { file: 'bench-results/2026-11-22.jsonl', environment: environment(change), runs };
}

/** What one server is like under one load, for the examples below. */
interface Character {
  readonly streams: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly memoryKiB: number;
  readonly connections: number | null;
}

/** A run of one flow with these figures, all delivered. `wobble` changes them a little, as repetitions do. */
export function runLike(change: Partial<RunRecord>, character: Character, wobble = 1): RunRecord {
  const { streams, cpuUs, p50Ms, p99Ms, memoryKiB, connections } = character;
  const ours = change.scenario ?? scenarioOf('compare', streams);
  const flow = ours.flows.find(({ name }) => name === ours.headline) ?? ours.flows[0]!;
  const delivered = ours.flows.reduce(
    (sum, { rate, streams, channels }) => sum + (rate * streams * ours.seconds) / channels,
    0,
  );
  const latencyUs = latencies(p50Ms * wobble, p99Ms * wobble);
  const made = measured({
    seconds: ours.seconds,
    flows: ours.flows.map(({ name }) =>
      name === flow.name
        ? flowResult(name, { delivered, received: delivered * 1.2, latencyUs })
        : flowResult(name, { delivered: 0, received: 0 }),
    ),
    cpuUs: {
      server: delivered * cpuUs * wobble,
      valkey: connections === null ? null : connections * 250 * wobble + 50_000,
      client: 5_000_000,
      publisher: 300_000,
      others: 200_000,
      shared: null,
      stolen: null,
    },
  });
  return run({
    scenario: ours,
    opening: {
      wanted: streams,
      opened: streams,
      seconds: streams / 4_000,
      connectUs: latencies(2, 9, 500),
      refused: {},
    },
    measured: made,
    memoryKiB: {
      empty: 80_000,
      few: null,
      open: 80_000 + streams * memoryKiB * wobble,
      end: null,
      kernelSockets: streams * 9,
    },
    valkey:
      connections === null
        ? null
        : {
            connections,
            maxClients: 10_000,
            usedMemoryKiB: 900 + connections * 5,
            residentKiB: 9_000 + connections * 6,
          },
    ...change,
  });
}

const WOBBLES = [0.94, 1, 1.09];

/** `compare`: both modes at four steps, three repetitions; per-connection is refused at the last step. */
export function compareExample(): Results {
  const command = 'npm run bench -- compare --clients 1000,5000,9000,12000 --rate 20 --repeat 3';
  const runs = [1_000, 5_000, 9_000, 12_000].flatMap((streams) =>
    WOBBLES.flatMap((wobble, i) => {
      const common = {
        repetition: i + 1,
        scenario: scenarioOf('compare', streams),
        repeat: `npm run bench -- latency --clients ${streams} --channels 1 --rate 20 --size 200 --mode`,
      };
      const dedup = runLike(
        { ...common, repeat: `${common.repeat} dedup` },
        { streams, cpuUs: 8.1, p50Ms: streams / 200, p99Ms: streams / 90, memoryKiB: 1.5, connections: 3 },
        wobble,
      );
      const server = { name: 'ssemux', mode: 'per-connection', processes: 1 } as const;
      const other = runLike(
        { ...common, repeat: `${common.repeat} per-connection`, server },
        {
          streams,
          cpuUs: 24.5,
          p50Ms: streams / 48,
          p99Ms: streams / 16,
          memoryKiB: 26,
          connections: streams + 2,
        },
        wobble,
      );
      if (streams < 12_000) return [dedup, other];
      const refused = {
        stopped: MAX_CLIENTS,
        measured: null,
        opening: { ...other.opening, opened: 9_996, refused: { 503: 2_004 } },
      };
      return i === 0 ? [dedup, { ...other, ...refused }] : [dedup];
    }),
  );
  return { ...results(runs, { command }), file: 'bench-results/2026-11-22T10-00-00-compare.jsonl' };
}

const PEERS: readonly (readonly [name: string, mode: 'dedup' | null, factor: number])[] = [
  ['ssemux', 'dedup', 1],
  ['nchan', null, 1.35],
  ['nchan-valkey', null, 1.5],
  ['node-http', null, 1.9],
  ['centrifugo', null, 0.8],
];

/** `peers`: five servers under four scenarios; one does better than ssemux, one is at fault, one run is in doubt. */
export function peersExample(): Results {
  const command = 'npm run bench -- peers --repeat 3';
  const scenarios = [
    scenarioOf('fanout', 5_000),
    scenarioOf('mixed', 10_000, {
      headline: 'small',
      flows: [
        { name: 'big', channels: 1, streams: 10_000, rate: 10 },
        { name: 'small', channels: 200, streams: 200, rate: 200 },
      ],
    }),
    scenarioOf('storm', 5_000, { storm: true, seconds: 15 }),
  ];
  const runs = scenarios.flatMap((ours) =>
    WOBBLES.flatMap((wobble, i) =>
      PEERS.map(([name, mode, factor]) => {
        const common = {
          server: { name, mode, processes: 1 },
          scenario: ours,
          repetition: i + 1,
          repeat: `npm run bench -- peers --scenarios ${ours.name} --servers ${name}`,
        };
        const streams = ours.flows.reduce((sum, flow) => sum + flow.streams, 0);
        const made = runLike(
          common,
          {
            streams,
            cpuUs: 7.6 * factor,
            p50Ms: 4 * factor,
            p99Ms: 12 * factor ** 3,
            memoryKiB: 1.5 * factor ** 4,
            connections: mode === null ? null : 3,
          },
          wobble,
        );
        const backUs = latencies(400 * factor, 1_500 * factor, 2_000);
        const storm = ours.storm
          ? { backUs, reconnectUs: backUs, refused: {}, gone: 0, clientPercent: 60 }
          : null;
        const changed = { ...made.measured!, storm };
        if (name === 'node-http' && ours.storm && i === 1) {
          changed.flows = [{ ...changed.flows[0]!, lost: 1_204, ended: 3 }];
        }
        if (name === 'nchan' && ours.name === 'mixed' && i === 2) {
          changed.cpuUs = {
            ...changed.cpuUs,
            client: 9_300_000,
            others: 2_600_000,
            shared: null,
            stolen: null,
          };
        }
        return { ...made, measured: changed };
      }),
    ),
  );
  return { ...results(runs, { command }), file: 'bench-results/2026-11-22T11-00-00-peers.jsonl' };
}

/** `capacity`: one run that a limit of the machine stopped, measured with the streams that did open. */
export function capacityExample(): Results {
  const command = 'npm run bench -- capacity --clients 50000';
  const like = { streams: 50_000, cpuUs: 9, p50Ms: 30, p99Ms: 90, memoryKiB: 1.5, connections: 3 };
  const ours = scenarioOf('capacity', 50_000, { warmUpSeconds: 0 });
  const made = runLike({ scenario: ours, repeat: command }, like);
  const stopped = {
    limit: 'open files (gateway)',
    reason: 'The gateway admits what its open-files limit of 20,000 allows, with head room.',
    fix: 'ulimit -n 1048576 for the gateway, or more processes (--workers)',
    ceiling: true,
  };
  const few = { streams: 1_000, kib: 83_000 };
  const refused: RunRecord = {
    ...made,
    stopped,
    opening: { ...made.opening, opened: 19_800, seconds: 6.1, refused: { 503: 40 } },
    memoryKiB: { empty: 80_000, few, open: 110_260, end: 110_900, kernelSockets: 180_000 },
  };
  return { ...results([refused], { command }), file: 'bench-results/2026-11-22T12-00-00-capacity.jsonl' };
}
