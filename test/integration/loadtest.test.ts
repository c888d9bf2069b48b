import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encodeMessage } from '../../bench/load/marker.ts';
import type { Server } from '../../bench/servers/server.ts';
import { fire } from '../../loadtest/autocannon/fire.ts';
import { IdleStreams } from '../../loadtest/autocannon/idle.ts';
import { faultsOf, type LoadtestRecord, rowOf } from '../../loadtest/autocannon/record.ts';
import type { Target } from '../../loadtest/autocannon/targets.ts';
import { type Faults, startFakeServer } from '../support/fake-sse-server.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = join(import.meta.dirname, '../../loadtest/autocannon/main.ts');

class Loadtest {
  output = '';
  readonly folder = mkdtempSync(join(tmpdir(), 'ssemux-test-'));
  /** Leads a process group, to which all that it starts belongs. */
  readonly child: ChildProcess;

  constructor(...args: string[]) {
    const node = ['--disable-warning=ExperimentalWarning', MAIN, ...args, '--results', this.folder];
    this.child = spawn(process.execPath, node, { detached: true });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    onTestFinished(() => {
      if (this.running) process.kill(-this.child.pid!, 'SIGKILL');
      rmSync(this.folder, { recursive: true });
    });
  }

  async exit(): Promise<number | null> {
    const [code] = await once(this.child, 'close');
    return code as number | null;
  }

  get running(): boolean {
    try {
      return process.kill(-this.child.pid!, 0);
    } catch {
      return false;
    }
  }

  /** Of the results file, by line. */
  get records(): Record<string, unknown>[] {
    const [file] = readdirSync(this.folder);
    const lines = readFileSync(join(this.folder, file!), 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line));
  }
}

describe('npm run loadtest', () => {
  test('fires at both endpoints, without and beside idle streams, and leaves nothing running', async () => {
    const loadtest = new Loadtest('--duration', '1', '--connections', '5', '--idle', '0,50');
    expect(await loadtest.exit(), loadtest.output).toBe(0);
    expect(loadtest.running).toBe(false);

    for (const target of ['POST /publish', 'GET /healthz']) {
      for (const idle of [0, 50]) {
        expect(loadtest.output).toMatch(new RegExp(`^${target} +5 +${idle} +[\\d,]+ `, 'm'));
      }
    }
    const [environment, ...runs] = loadtest.records as [{ record: string }, ...LoadtestRecord[]];
    expect(environment.record).toBe('environment');
    expect(runs.map(({ target, connections, idle }) => [target, connections, idle])).toEqual(
      [0, 50].flatMap((streams) => [
        ['POST /publish', 5, { streams, ended: 0 }],
        ['POST /publish', 10, { streams, ended: 0 }],
        ['GET /healthz', 5, { streams, ended: 0 }],
      ]),
    );
    for (const { result, cpuUs, seconds } of runs) {
      expect(result).toMatchObject({ errors: 0, mismatches: 0, non2xx: 0 });
      expect(result['2xx']).toBeGreaterThan(0);
      expect(cpuUs.server).toBeGreaterThan(0);
      expect(seconds).toBeGreaterThanOrEqual(1);
    }
  }, 60_000);

  test('interrupted, ends all that it started', async () => {
    const loadtest = new Loadtest('--duration', '60', '--idle', '20');
    await waitFor(() => loadtest.output.includes('POST /publish'), 'it fires');
    process.kill(-loadtest.child.pid!, 'SIGINT'); // as a terminal does: to the whole group
    expect(await loadtest.exit()).toBe(130);
    expect(loadtest.running).toBe(false);
    expect(loadtest.output).not.toMatch(/ended by itself|Error/);
  });

  test.each([
    [['--idle', 'many'], /--idle many: should be whole numbers from 0 to 999999/],
    [['more'], /more: there are options only/],
  ])('says what is wrong with %j', async (args, complaint) => {
    const loadtest = new Loadtest(...args);
    expect(await loadtest.exit()).toBe(2);
    expect(loadtest.output).toMatch(complaint);
  });
});

describe('a server that', () => {
  const target: Target = {
    name: 'GET /',
    path: '/',
    connections: 2,
    request: { method: 'GET' },
    answer: 'right',
  };

  async function fireAt(listener: RequestListener): Promise<LoadtestRecord> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const subject = { name: 'fake', ports: [port], pids: [process.pid], valkey: null } as const;
    const fired = await fire(target, subject as unknown as Server, 1);
    const idle = { streams: 0, ended: 0 };
    return { record: 'loadtest', at: '', target: 'GET /', connections: 2, idle, ...fired };
  }

  test('answers rightly has no fault', async () => {
    const record = await fireAt((_, response) => response.end('right'));
    expect(faultsOf(record)).toEqual([]);
    expect(rowOf(record)).toMatchObject({ target: 'GET /', errors: '0', 'non-2xx': '0' });
  });

  test.each<[string, RequestListener, RegExp]>([
    [
      'answers with an error',
      (_, response) => response.writeHead(503).end('right'),
      /^GET \/, 2 connections: [\d,]+ answers other than 2xx$/,
    ],
    ['answers wrongly', (_, response) => response.end('wrong'), /[\d,]+ answers other than the right one/],
    ['hangs up', (request) => request.socket.resetAndDestroy(), /[\d,]+ connection errors/],
    ['never answers', () => {}, /run without an answer/],
  ])('%s fails', async (_, listener, fault) => {
    expect(faultsOf(await fireAt(listener)).join('\n')).toMatch(fault);
  });

  test('ends an idle stream fails', async () => {
    const record = await fireAt((_, response) => response.end('right'));
    expect(faultsOf({ ...record, idle: { streams: 1_000, ended: 3 } })).toEqual([
      'GET /, 2 connections: 3 of 1,000 idle streams ended',
    ]);
  });
});

describe('idle streams', () => {
  async function hold(streams: number, faults: Faults): Promise<{ port: number; idle: IdleStreams }> {
    const server = await startFakeServer(faults);
    const idle = new IdleStreams(server, streams, 4);
    onTestFinished(async () => {
      await idle.end();
      await server.stop();
    });
    return { port: server.ports[0]!, idle };
  }

  test('are spread over processes, and one that the server ends is counted', async () => {
    const { port, idle } = await hold(10, { end: () => true });
    await idle.open();
    expect(idle.pids).toHaveLength(3);
    expect(await idle.ended()).toBe(0);
    const body = encodeMessage(0, 0, 7, 40);
    await fetch(`http://127.0.0.1:${port}/publish?channel=bench-idle-7`, { method: 'POST', body });
    await waitFor(async () => (await idle.ended()) === 1, 'the end of one is seen');
  });

  test('that the server refuses are a limit, in words', async () => {
    const { idle } = await hold(10, {
      refuse: { from: 6, answer: (response) => response.writeHead(503).end() },
    });
    await expect(idle.open()).rejects.toThrow(/idle streams: 6 here, 10 needed.*503/s);
  });

  test('of which there are none need no process', async () => {
    const { idle } = await hold(0, {});
    await idle.open();
    expect([idle.pids, await idle.ended()]).toEqual([[], 0]);
  });
});
