import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { measure } from '../../bench/commands/session.ts';
import { mergeHistograms } from '../../bench/load/latency.ts';
import { readResults } from '../../bench/results/file.ts';
import { CpuMeter } from '../../bench/run/cpu.ts';
import { type Measurement, run } from '../../bench/run/run.ts';
import { type ScenarioInput, scenario } from '../../bench/scenarios/scenario.ts';
import { type FakeServer, type Faults, startFakeServer } from '../support/fake-sse-server.ts';

// What the harness says of a server whose faults are known. Counts must be exact.

const STREAMS = 10;
const CHANNELS = 2;
const RATE = 100;
const SECONDS = 1;
/** Messages on each channel. */
const MESSAGES = (RATE * SECONDS) / CHANNELS;

const options = { streamsPerProcess: 4, ramp: null, weigh: false, holdWhatOpened: false };

function load(flow: Partial<ScenarioInput['flows'][number]> = {}, more: Partial<ScenarioInput> = {}) {
  return scenario.parse({
    name: 'known',
    summary: 'a server whose faults are known',
    flows: [{ name: 'known', channels: CHANNELS, streams: STREAMS, rate: RATE, ...flow }],
    warmUpSeconds: 0,
    seconds: SECONDS,
    ...more,
  });
}

async function start(faults: Faults): Promise<FakeServer> {
  const server = await startFakeServer(faults);
  onTestFinished(() => server.stop());
  return server;
}

async function measured(faults: Faults, known = load()): Promise<Measurement> {
  return run(await start(faults), known, options);
}

const none = { lost: 0, duplicated: 0, reordered: 0, misdirected: 0, malformed: 0, ended: 0 };
const everyTenth = (sequence: number) => sequence % 10 === 4;
const tenths = (MESSAGES / 10) * STREAMS;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a server with known faults is measured as exactly that:', () => {
  test.each<[string, Faults, object]>([
    ['none', {}, { received: MESSAGES * STREAMS }],
    ['every tenth message dropped', { drop: everyTenth }, { lost: tenths }],
    ['the last message dropped', { drop: (sequence) => sequence === MESSAGES - 1 }, { lost: STREAMS }],
    ['all messages of one stream dropped', { drop: (_, stream) => stream === 3 }, { lost: MESSAGES }],
    ['every tenth message twice', { duplicate: everyTenth }, { duplicated: tenths }],
    ['every tenth message after the next', { swap: everyTenth }, { reordered: tenths }],
    [
      'every tenth message to a stream that did not ask for it',
      { misdirect: everyTenth },
      { misdirected: tenths, lost: tenths },
    ],
    [
      'a stream ended after 40 messages',
      { end: (sequence, stream) => sequence === 40 && stream === 0 },
      { ended: 1, lost: MESSAGES - 40 },
    ],
  ])('%s', async (_, faults, expected) => {
    const { measured: found } = await measured(faults);
    expect(found!.flows[0]).toMatchObject({ ...none, ...expected });
  });
});

describe('latency', () => {
  /** Client and server are processes of one machine that may be busy: what the client's reading adds stays below. */
  const TOLERANCE_US = 30_000;

  async function bothSides(faults: Faults) {
    const server = await start(faults);
    const { measured: found } = await run(server, load({}, { seconds: 3 }), options);
    expect(found!.flows[0]).toMatchObject(none);
    return { client: mergeHistograms([found!.flows[0]!.latencyUs]), server: server.delayUs };
  }

  test('is the delay that the server made, at every percentile', async () => {
    const { client, server } = await bothSides({ delayMs: (_, channel) => (channel === 0 ? 50 : 200) });
    expect(client.totalCount).toBe(server.totalCount);
    for (const percentile of [10, 25, 45, 55, 75, 90]) {
      const difference = client.getValueAtPercentile(percentile) - server.getValueAtPercentile(percentile);
      expect(difference, `p${percentile}`).toBeGreaterThanOrEqual(-1_000);
      expect(difference, `p${percentile}`).toBeLessThan(TOLERANCE_US);
    }
    expect(client.getValueAtPercentile(10)).toBeGreaterThanOrEqual(50_000);
    expect(client.getValueAtPercentile(55)).toBeGreaterThanOrEqual(200_000);
  });

  test('is that of the window alone: what was slow in the warm-up does not count', async () => {
    const server = await start({ delayMs: (sequence) => (sequence < 20 ? 300 : 0) });
    const { measured: found } = await run(server, load({}, { warmUpSeconds: 1 }), options);
    const flow = found!.flows[0]!;
    const latency = mergeHistograms([flow.latencyUs]);
    expect(latency.totalCount).toBe(MESSAGES * STREAMS);
    expect(flow.received).toBe(2 * MESSAGES * STREAMS);
    expect(flow.delivered).toBeLessThan(flow.received);
    expect(latency.maxValue).toBeLessThan(300_000);
    const { publishing } = found!;
    expect(publishing.sent).toBe(2 * RATE);
    expect(mergeHistograms([publishing.latenessUs]).totalCount).toBe(RATE);
  });

  test('of a server that stalls for a second counts every message that was due meanwhile', async () => {
    let stalled = false;
    const { client } = await bothSides({
      delayMs(sequence) {
        if (sequence === 50 && !stalled) {
          stalled = true;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
        }
        return 0;
      },
    });
    // A second of three: a closed loop would have counted one late message per channel. Those due in the stall's
    // first half are at least half a second late, a sixth of all.
    const late = 1 - share(client, 500_000);
    expect(late).toBeGreaterThan(0.14);
    expect(late).toBeLessThan(0.25);
  });

  function share(histogram: ReturnType<typeof mergeHistograms>, below: number): number {
    let percentile = 0;
    while (percentile < 1_000 && histogram.getValueAtPercentile(percentile / 10) < below) percentile++;
    return percentile / 1_000;
  }
});

describe('clients that come and go', () => {
  test('lose nothing with a server that loses nothing, and every leaver is replaced', async () => {
    const { measured: found } = await measured({}, load({ churnPerSecond: 20 }));
    expect(found!.flows[0]).toMatchObject(none);
    expect(found!.flows[0]!.replaced).toBeGreaterThan(SECONDS * 10);
  });

  test('what a newcomer missed before its first message is lost, also to one that has left since', async () => {
    const { measured: found } = await measured({ deafFor: 2 }, load({ churnPerSecond: 20 }));
    const { lost, replaced } = found!.flows[0]!;
    expect(replaced).toBeGreaterThan(0);
    // Two for each that was there from the start. Newcomers may leave, or the load end, before their first message.
    expect(lost).toBeGreaterThan(2 * STREAMS);
    expect(lost).toBeLessThanOrEqual(2 * (STREAMS + replaced));
  });

  test('a loss is seen among them', async () => {
    const { measured: found } = await measured({ drop: everyTenth }, load({ churnPerSecond: 5 }));
    expect(found!.flows[0]!.lost).toBeGreaterThan(0);
  });

  test('all drop and come back: how long until each receives again', async () => {
    const { measured: found } = await measured({}, load({}, { storm: true }));
    const { storm, flows } = found!;
    expect(flows[0]).toMatchObject({ ...none, replaced: STREAMS });
    expect(storm).toMatchObject({ gone: 0, refused: {} });
    const [back, reconnect] = [mergeHistograms([storm!.backUs]), mergeHistograms([storm!.reconnectUs])];
    expect(back.totalCount).toBe(STREAMS);
    expect(back.maxValue).toBeGreaterThanOrEqual(reconnect.minNonZeroValue);
  });

  test('after a storm, those who were told to come back later do, and are counted', async () => {
    let times = 0;
    const refuse = {
      from: STREAMS,
      answer(response: ServerResponse) {
        if (times++ < 3) response.writeHead(200, {}).end('retry: 100\n\n');
        else response.write(':\n\n'); // open, but on no channel: nothing will come
      },
    };
    const { measured: found } = await measured({ refuse }, load({}, { storm: true }));
    expect(found!.storm).toMatchObject({ gone: STREAMS, refused: { 'asked to come back': 3 } });
    const reconnect = mergeHistograms([found!.storm!.reconnectUs]);
    expect(reconnect.totalCount).toBe(STREAMS);
    expect(reconnect.maxValue).toBeGreaterThanOrEqual(100_000);
    expect(mergeHistograms([found!.storm!.backUs]).totalCount).toBe(0);
  });

  test('those that never read may be ended, which is counted apart', async () => {
    const end = (sequence: number, _: number, channel: string) =>
      channel === 'bench-known-1' && sequence === 5;
    const { measured: found } = await measured({ end }, load({ streams: 2, neverRead: 0.5 }));
    expect(found!.flows[0]).toMatchObject({ ...none, received: MESSAGES, unreadEnded: 1 });
  });

  test('those that never read are no fault', async () => {
    const { measured: found } = await measured({}, load({ neverRead: 0.1 }));
    expect(found!.flows[0]).toMatchObject({ ...none, received: MESSAGES * (STREAMS - 1) });
  });

  test('a stream of many channels has each of them checked', async () => {
    const flow = { channels: 5, channelsPerStream: 3 };
    const { measured: found } = await measured({}, load(flow));
    expect(found!.flows[0]).toMatchObject({ ...none, received: (RATE * SECONDS * STREAMS * 3) / 5 });
  });
});

describe('a server that refuses streams', () => {
  const refuse = { from: 5, answer: (response: ServerResponse) => response.writeHead(503).end() };

  test('stops the run, which says why and how far it came', async () => {
    const { opening, stopped, measured: found } = await measured({ refuse });
    expect(found).toBeNull();
    expect(opening.opened).toBe(5);
    expect(stopped?.reason).toContain('HTTP 503 Service Unavailable');
  });

  test('or is held to what it accepted', async () => {
    const server = await start({ refuse });
    const { stopped, measured: found } = await run(server, load(), { ...options, holdWhatOpened: true });
    expect(stopped).not.toBeNull();
    expect(found!.flows[0]).toMatchObject({ ...none, received: MESSAGES * 5 });
  });

  test('for now, with a 200 that ends, is asked again', async () => {
    let times = 0;
    const once = {
      from: 5,
      answer(response: ServerResponse) {
        if (times++ === 0) response.writeHead(200, {}).end(': not now\nretry: 100\n\n');
        else response.write(':\n\n');
      },
    };
    const { opening, stopped } = await measured({ refuse: once }, load({ streams: 6, channels: 1 }));
    expect(stopped).toBeNull();
    expect(opening).toMatchObject({ opened: 6, refused: { 'asked to come back': 1 } });
  });
});

test('CPU time is that of the processes it is said to be of', async () => {
  const burn = `
    const used = () => process.cpuUsage().user + process.cpuUsage().system;
    for (const end = used() + 300e3; used() < end; );
    process.send('done');
    setInterval(() => {}, 1e3);`;
  const processes = [0, 1, 2].map(() =>
    spawn(process.execPath, ['-e', burn], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  );
  onTestFinished(() => {
    for (const child of processes) child.kill('SIGKILL');
  });
  const [server, client, publisher] = processes.map(({ pid }) => pid!);
  const meter = new CpuMeter({ ...(await start({})), pids: [server!] }, [client!], publisher!);
  await Promise.all(processes.map((child) => once(child, 'message')));
  const used = meter.read();
  for (const who of ['server', 'client', 'publisher'] as const) {
    expect(used[who], who).toBeGreaterThan(250_000);
    expect(used[who], who).toBeLessThan(1_500_000); // starting Node is in it
  }
  expect(used.shared).toBeGreaterThanOrEqual(used.client + used.publisher);
});

describe('a command', () => {
  const subject = (faults: Faults) => ({
    name: 'fake',
    mode: 'dedup' as const,
    processes: 1,
    start: () => startFakeServer(faults),
  });

  async function command(faults: Faults) {
    const folder = mkdtempSync(join(tmpdir(), 'ssemux-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    vi.spyOn(console, 'log').mockImplementation(() => {});
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const job = { subject: subject(faults), scenario: load(), repeat: ['latency'], repetition: 1 };
    const code = await measure(['latency'], [job], folder);
    const files = readdirSync(folder);
    const raw = files.find((file) => file.endsWith('.jsonl'))!;
    return {
      code,
      files,
      results: readResults(join(folder, raw)),
      complaints: complaint.mock.calls.join('\n'),
    };
  }

  test('fails on a lossy server, and its raw results and report are there', async () => {
    const { code, files, results, complaints } = await command({ drop: everyTenth });
    expect(code).toBe(1);
    expect(complaints).toMatch(new RegExp(`${tenths}.*lost|lost.*${tenths}`));
    expect(files.map((file) => file.replace(/^.*\./, '')).sort()).toEqual(['html', 'jsonl', 'md']);
    expect(results.runs[0]!.measured!.flows[0]!.lost).toBe(tenths);
  });

  test('fails on a server that refuses streams without a limit in sight, or breaks down', async () => {
    const refuse = { from: 5, answer: (response: ServerResponse) => response.writeHead(500).end() };
    const { code, results, complaints } = await command({ refuse });
    expect(code).toBe(1);
    expect(results.runs[0]!.stopped).toMatchObject({ ceiling: false });
    expect(complaints).toContain('HTTP 500');
  });

  test('succeeds on one that loses nothing', async () => {
    expect((await command({})).code).toBe(0);
  });
});
