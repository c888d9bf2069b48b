import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { UsageError } from '../../bench/commands/flags.ts';
import { report } from '../../bench/commands/report.ts';
import { mergeHistograms } from '../../bench/load/latency.ts';
import { chartsOf } from '../../bench/report/charts.ts';
import { doubts, faults, figures } from '../../bench/report/figures.ts';
import { findings } from '../../bench/report/findings.ts';
import { sections, spread } from '../../bench/report/group.ts';
import { page } from '../../bench/report/html.ts';
import { markdown } from '../../bench/report/markdown.ts';
import { measured as numberText } from '../../bench/report/measures.ts';
import type { Results } from '../../bench/results/file.ts';
import type { RunRecord } from '../../bench/results/record.ts';
import {
  capacityExample,
  compareExample,
  environment,
  flowResult,
  histogram,
  MAX_CLIENTS,
  measured,
  peersExample,
  results,
  run,
  runLike,
  scenarioOf,
} from '../support/bench-records.ts';

const perConnection = { name: 'ssemux', mode: 'per-connection', processes: 1 } as const;
const nchan = { name: 'nchan', mode: null, processes: 1 } as const;
const onlyTopic = (of: Results) => sections([of])[0]!.topics[0]!;
const said = (of: Results) => findings(sections([of])[0]!).flatMap(({ sentences }) => sentences);
const like = { streams: 1_000, cpuUs: 8, p50Ms: 5, p99Ms: 10, memoryKiB: 2, connections: 3 };

describe('figures of a run', () => {
  test('are per delivered event, per second of the window and per further stream', () => {
    const flows = [flowResult('a', { delivered: 150_000 }), flowResult('b', { delivered: 50_000 })];
    const record = run({
      measured: measured({ flows }),
      opening: { wanted: 2_000, opened: 2_000, seconds: 4, connectUs: histogram([1_000]), refused: {} },
      memoryKiB: {
        empty: 80_000,
        few: { streams: 500, kib: 82_000 },
        open: 85_000,
        end: null,
        kernelSockets: 18_000,
      },
    });
    expect(figures(record)).toMatchObject({
      eventsPerSecond: 20_000,
      cpuUsPerEvent: 8,
      valkeyCpuUsPerEvent: 0.5,
      serverPercent: 16,
      opensPerSecond: 500,
      memoryPerStreamKiB: 2,
      kernelPerStreamKiB: 9,
    });
  });

  test('take memory per stream from no streams where few were not weighed', () => {
    expect(figures(run()).memoryPerStreamKiB).toBe(2);
  });

  test('take latency from the headline flow, in ms', () => {
    const flows = [
      flowResult('big', { latencyUs: histogram([900_000]) }),
      flowResult('small', { latencyUs: histogram([1_000, 2_000, 3_000]) }),
    ];
    const scenario = scenarioOf('mixed', 10, {
      headline: 'small',
      flows: flows.map(({ name }) => ({ name, channels: 1, streams: 10, rate: 1 })),
    });
    const { p50Ms, maxMs } = figures(run({ scenario, measured: measured({ flows }) }));
    expect(p50Ms).toBeCloseTo(2, 2);
    expect(maxMs).toBeCloseTo(3, 2);
  });

  test('are missing, not zero or infinite, where nothing was measured or delivered', () => {
    const nothing = measured({ flows: [flowResult('compare', { delivered: 0, latencyUs: histogram([]) })] });
    for (const record of [run({ measured: null }), run({ measured: nothing })]) {
      expect(figures(record)).toMatchObject({ p99Ms: null, cpuUsPerEvent: null });
    }
  });

  test('say when all streams are back after a storm only if all are', () => {
    const backUs = histogram([1_000, 5_000]);
    const after = (gone: number) =>
      figures(
        run({
          measured: measured({
            storm: { backUs, reconnectUs: backUs, refused: {}, gone, clientPercent: null },
          }),
        }),
      ).backAllMs;
    expect(after(0)).toBeCloseTo(5, 2);
    expect(after(1)).toBe(null);
  });
});

describe('faults and doubts', () => {
  test('there are none in a run as it should be, nor in one that was refused', () => {
    expect(faults(run())).toEqual([]);
    expect(doubts(run())).toEqual([]);
    expect(faults(run({ measured: null, stopped: MAX_CLIENTS }))).toEqual([]);
  });

  test('each kind of fault is counted over all flows, and named with its flows', () => {
    const flows = [
      flowResult('a', { lost: 2, duplicated: 1 }),
      flowResult('b', { lost: 1_000, reordered: 3, misdirected: 4, malformed: 5, ended: 6 }),
    ];
    const storm = {
      backUs: histogram([]),
      reconnectUs: histogram([]),
      refused: {},
      gone: 7,
      clientPercent: null,
    };
    expect(faults(run({ measured: measured({ flows, storm }) }))).toEqual([
      '1,002 events lost (a, b)',
      '1 event duplicated (a)',
      '3 events out of order (b)',
      '4 events on a stream that had not asked for it (b)',
      '5 events malformed (b)',
      '6 streams ended by the server (b)',
      '7 streams not back after the storm',
    ]);
  });

  test('streams that never read and were ended are none', () => {
    expect(faults(run({ measured: measured({ flows: [flowResult('slow', { unreadEnded: 10 })] }) }))).toEqual(
      [],
    );
  });

  test('whatever was busy or late besides the server is doubted', () => {
    const made = measured({
      publishing: { sent: 10, failed: 2, latenessUs: histogram([12_000]), roundTripUs: histogram([]) },
      cpuUs: {
        server: 1,
        valkey: 1,
        client: 8_100_000,
        publisher: 9_000_000,
        others: 2_100_000,
        shared: null,
        stolen: null,
      },
    });
    expect(doubts(run({ measured: made }))).toEqual([
      'the busiest client process used 81 % of a core',
      'the publisher used 90 % of a core',
      'other programs used 21 % of a core',
      'the publisher was 12.0 ms late (p99)',
      '2 messages could not be published',
    ]);
  });
});

describe('groups', () => {
  const repetitions = (cpu: readonly number[]) =>
    results(cpu.map((cpuUs, i) => runLike({ repetition: i + 1 }, { ...like, cpuUs })));

  test('have the median of their repetitions, and the range', () => {
    const odd = spread(onlyTopic(repetitions([9, 7, 20])).groups[0]!, 'cpuUsPerEvent');
    expect(odd).toEqual({ median: 9, min: 7, max: 20, count: 3 });
    const even = spread(onlyTopic(repetitions([9, 7, 20, 8])).groups[0]!, 'cpuUsPerEvent');
    expect(even).toEqual({ median: 8.5, min: 7, max: 20, count: 4 });
  });

  test('know the line of each run, the environment being the first', () => {
    const [group] = onlyTopic(repetitions([1, 2])).groups;
    expect(group!.runs.map(({ line }) => line)).toEqual([2, 3]);
  });

  test('of one load with several numbers of streams are one topic, of other loads are others', () => {
    const runs = [
      run({ scenario: scenarioOf('compare', 10) }),
      run({ scenario: scenarioOf('compare', 20) }),
      run({ scenario: scenarioOf('compare', 20, { seconds: 5 }) }),
    ];
    const { topics } = sections([results(runs)])[0]!;
    expect(topics.map(({ steps }) => steps)).toEqual([[10, 20], [20]]);
  });

  test('call servers by what tells them apart', () => {
    const servers = (runs: RunRecord[]) => onlyTopic(results(runs)).servers;
    expect(servers([run()])).toEqual(['ssemux dedup']);
    expect(servers([run(), run({ server: perConnection })])).toEqual(['dedup', 'per-connection']);
    expect(servers([run(), run({ server: nchan })])).toEqual(['ssemux', 'nchan']);
    const three = run({ server: { ...perConnection, processes: 3 } });
    expect(servers([run(), three])).toEqual(['dedup', 'per-connection (3 processes)']);
  });

  test('are never made across files', () => {
    const [one, other] = sections([results([run()]), { ...results([run()]), file: 'other.jsonl' }]);
    expect(one!.topics[0]!.groups[0]!.runs).toHaveLength(1);
    expect(other!.topics[0]!.groups[0]!.runs).toHaveLength(1);
  });
});

test('latency curves are drawn from the added-up histograms of all repetitions', () => {
  // Nine quick events and one slow: p90 of the sum is quick, though the median of p90s would be slow.
  const repetition = (us: readonly number[]) =>
    run({ measured: measured({ flows: [flowResult('compare', { latencyUs: histogram(us) })] }) });
  const quick = Array.from({ length: 98 }, () => 1_000);
  const runs = [repetition([8_000]), repetition([8_000]), repetition(quick)];
  const { description } = chartsOf(onlyTopic(results(runs)))[0]!;
  expect(description).toContain('1 at 50, 1 at 90');
  expect(mergeHistograms(runs.map((one) => one.measured!.flows[0]!.latencyUs)).totalCount).toBe(100);
});

describe('findings', () => {
  const pair = (other: Partial<typeof like>, change: Partial<RunRecord> = { server: nchan }) =>
    said(results([runLike({}, like), runLike(change, { ...like, ...other })]));

  test('compare at the largest number of streams that both served', () => {
    expect(said(compareExample()).slice(0, 2)).toEqual([
      'At 9,000 streams and 180,000 events/s, dedup holds 3 Valkey connections, per-connection 9,002 (3,001 times).',
      'dedup spends 8.1 us of CPU per delivered event, per-connection 24.5 us (3.0 times).',
    ]);
  });

  test('say as plainly when the other does better', () => {
    expect(pair({ cpuUs: 5 })).toContain(
      'ssemux spends 8.0 us of CPU per delivered event, nchan 5.0 us (less: ssemux has 1.6 times that).',
    );
  });

  test('make nothing of a small difference, nor of ranges that overlap', () => {
    expect(pair({ cpuUs: 8.2 })).toContain(
      'ssemux spends 8.0 us of CPU per delivered event, nchan 8.2 us (within 5 %).',
    );
    const runs = [7, 8, 11].flatMap((cpuUs) => [
      runLike({}, { ...like, cpuUs }),
      runLike({ server: nchan }, { ...like, cpuUs: cpuUs + 2 }),
    ]);
    expect(said(results(runs))).toContain(
      'ssemux spends 8.0 us of CPU per delivered event, nchan 10.0 us (1.3 times, but the ranges overlap).',
    );
  });

  test('rank several servers, whoever is best', () => {
    expect(said(peersExample())).toContain(
      'CPU per delivered event: centrifugo 6.1 us, ssemux 7.6 us (1.3 times), nchan 10.3 us (1.7 times), nchan-valkey 11.4 us (1.9 times), node-http 14.4 us (2.4 times).',
    );
  });

  test('compare no CPU with a server that does not keep up', () => {
    const slow = runLike({ server: nchan }, like);
    const { flows } = slow.measured!;
    const behind = {
      ...slow,
      measured: { ...slow.measured!, flows: [{ ...flows[0]!, delivered: 100_000 }] },
    };
    const sentences = said(results([runLike({}, like), behind]));
    expect(sentences.join(' ')).not.toContain('CPU per delivered event');
    expect(sentences).toContain(
      "nchan is overloaded in 1 of 1 run: less than 95 % of a flow's events came within the window, so its CPU per event compares with nobody's.",
    );
  });

  test('mention a refusal with its limit and what to do, and not as a fault', () => {
    const all = findings(sections([compareExample()])[0]!);
    expect(all.some(({ tone }) => tone === 'fault')).toBe(false);
    expect(all.flatMap(({ sentences }) => sentences)).toContain(
      `per-connection opened 9,996 of 12,000 streams; the limit was Valkey maxclients. To go further: ${MAX_CLIENTS.fix}.`,
    );
    expect(said(capacityExample())).toContain(
      "Each stream takes 1.5 KiB of server memory, and 9.1 KiB of the kernel's for both ends of its connections.",
    );
  });

  test('begin with faults, and claim faultless delivery only where there are none', () => {
    const all = findings(sections([peersExample()])[0]!);
    expect(all[0]).toMatchObject({ about: 'Faults', tone: 'fault' });
    expect(all[0]!.sentences).toEqual([
      'node-http, storm, repetition 2 (line 40): 1,204 events lost; 3 streams ended by the server.',
    ]);
    expect(all.map(({ about }) => about)).not.toContain('Delivery');
    expect(said(compareExample()).join(' ')).toContain('Nothing was lost');
  });

  test('a file of no runs has none', () => {
    expect(findings(sections([results([])])[0]!)).toEqual([]);
    expect(page([results([])])).toContain('npm run bench -- compare');
    expect(markdown([results([])])).toContain('npm run bench -- compare');
  });
});

describe('the page and the summary', () => {
  test('never let text of a file become markup', () => {
    const hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)> | *_[x](javascript:1)\n# x';
    const attack = run({
      server: { name: hostile, mode: null, processes: 1 },
      repeat: hostile,
      stopped: { limit: hostile, reason: hostile, fix: hostile, ceiling: true },
    });
    const given = results([attack, run()], {
      command: hostile,
      commit: hostile,
      versions: { [hostile]: hostile },
    });
    const file = { ...given, file: hostile };
    const made = page([file]);
    expect(made).not.toMatch(/<script|<img/i);
    expect(made).toContain('&lt;script&gt;');

    const summary = markdown([file]);
    expect(summary.replace(/`[^`]*`/g, '')).not.toMatch(/<script|<img|[^\\]\[x/i);
    expect(summary).not.toMatch(/^# /m);
    for (const [table] of summary.matchAll(/(?:^\|.*\n)+/gm)) {
      const widths = table
        .trim()
        .split('\n')
        .map((line) => line.split(/(?<!\\)\|/).length);
      expect(new Set(widths).size, table).toBe(1);
    }
  });

  test('hold only numbers, whatever was measured', () => {
    const odd = [0, 1].flatMap((i) =>
      [10, 20].map((streams) =>
        run({
          server: i === 0 ? nchan : perConnection,
          scenario: scenarioOf('odd', streams),
          opening: { wanted: streams, opened: 0, seconds: 0, connectUs: histogram([]), refused: {} },
          memoryKiB: { empty: 90_000, few: null, open: 80_000, end: null, kernelSockets: 0 },
          measured: measured({
            flows: [
              flowResult('odd', { delivered: 0, received: 0, latencyUs: histogram(i === 0 ? [] : [0]) }),
            ],
            cpuUs: { server: 0, valkey: 0, client: 0, publisher: 0, others: 0, shared: null, stolen: null },
          }),
        }),
      ),
    );
    const shrunk = [nchan, perConnection].map((server) =>
      run({ server, memoryKiB: { empty: 90_000, few: null, open: 80_000, end: null, kernelSockets: 0 } }),
    );
    for (const file of [results(odd), results(shrunk), compareExample(), peersExample(), capacityExample()]) {
      expect(page([file])).not.toMatch(/NaN|Infinity|undefined|\[object/);
      expect(markdown([file])).not.toMatch(/NaN|Infinity|undefined|\[object/);
    }
  });

  test('show commands as they are, backticks and all', () => {
    const file = results([run({ repeat: "npm run bench -- latency '`a` <b>'" })]);
    expect(markdown([file])).toContain("`` npm run bench -- latency '`a` <b>' ``");
    expect(page([file])).toContain('<code>npm run bench -- latency &#39;`a` &lt;b&gt;&#39;</code>');
  });

  test('are the same for the same data', () => {
    const all = () => [compareExample(), peersExample()];
    expect(page(all())).toBe(page(all()));
    expect(markdown(all())).toBe(markdown(all()));
  });

  test('name the lines of every median, the command of every run, and what is at fault', () => {
    const summary = markdown([compareExample(), peersExample()]);
    expect(summary).toContain('| 14, 16, 18 |');
    expect(summary).toContain(
      '`npm run bench -- latency --clients 9000 --channels 1 --rate 20 --size 200 --mode dedup`',
    );
    expect(summary).toContain('**faults in 1 of 3**');
    expect(summary).toContain('refused: Valkey maxclients');
    const made = page([peersExample()]);
    expect(made).toContain('<span class="fault">1,204</span>');
    expect(made).toContain(
      'the busiest client process used 93 % of a core; other programs used 26 % of a core',
    );
  });

  test('write numbers with the digits that count', () => {
    expect([0, 0.421, 0.999, 8.12, 24.46, 99.97, 9_002.4].map(numberText)).toEqual([
      '0',
      '0.42',
      '1.0',
      '8.1',
      '24.5',
      '100',
      '9,002',
    ]);
  });
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ssemux-report-'));
  const out = join(folder, 'made', 'report.html');
  const lines = (of: Results) =>
    [of.environment, ...of.runs].map((record) => `${JSON.stringify(record)}\n`).join('');
  const run = async (...args: string[]) => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const code = await report.run(args);
    return { code, printed: log.mock.calls.join('\n') };
  };
  const fileOf = (text: string) => {
    const file = join(mkdtempSync(join(folder, 'bad-')), 'bad.jsonl');
    writeFileSync(file, text);
    return file;
  };
  afterEach(() => vi.restoreAllMocks());

  test('writes page and summary, and says where', async () => {
    const file = join(folder, 'one.jsonl');
    writeFileSync(file, lines(compareExample()));
    const { code, printed } = await run(file, folder, '--out', out);
    expect(code).toBe(0);
    expect(printed).toContain(out);
    expect(printed).toContain(out.replace('.html', '.md'));
    expect(readFileSync(out, 'utf8').match(/<section class="file"/g)).toHaveLength(1); // given twice, told once
    expect(readFileSync(out.replace('.html', '.md'), 'utf8')).toContain(
      'At 9,000 streams and 180,000 events/s, dedup',
    );
  });

  test.each([
    ['a missing file', () => join(folder, 'none.jsonl'), /none\.jsonl: no such file/],
    ['a folder without results', () => mkdtempSync(join(folder, 'empty-')), /no results/],
    [
      'a file cut short before the first run',
      () => fileOf(`${JSON.stringify(environment())}\n{"record":"ru`),
      /bad\.jsonl: holds no run/,
    ],
    [
      'a file that is broken in the middle',
      () => fileOf(`${JSON.stringify(environment())}\n{"record":"ru\n${JSON.stringify(runLike({}, like))}\n`),
      /bad\.jsonl:2: not JSON/,
    ],
  ])('refuses %s', async (_, path, message) => {
    await expect(run(path(), '--out', out)).rejects.toThrow(message);
    await expect(run(path(), '--out', out)).rejects.toThrow(UsageError);
  });

  test('passes over a last line that was cut', async () => {
    const cut = fileOf(
      `${JSON.stringify(environment())}\n${JSON.stringify(runLike({}, like))}\n{"record":"ru`,
    );
    expect((await run(cut, '--out', out)).code).toBe(0);
  });

  test('refuses to write the page under a name that is no page', async () => {
    await expect(run('--out', 'report.md')).rejects.toThrow(
      '--out report.md: should be a file name that ends in .html',
    );
  });
});
