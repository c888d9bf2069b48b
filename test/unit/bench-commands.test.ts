import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { command } from '../../bench/commands/command.ts';
import {
  choice,
  choices,
  decimal,
  integer,
  integers,
  parseFlags,
  toggle,
} from '../../bench/commands/flags.ts';
import { readScenario, SCENARIOS } from '../../bench/scenarios/catalogue.ts';

const flags = {
  clients: integer('streams', { min: 1, max: 100 }, 5),
  workers: integer('processes', { min: 1, max: 4 }, null),
  rate: decimal('per second', { min: 0.5, max: 9 }, 2),
  steps: integers('steps', { min: 1, max: 100 }, [1, 2]),
  mode: choice('mode', ['dedup', 'per-connection'], 'dedup'),
  servers: choices('servers', ['a', 'b'], ['a', 'b']),
  list: toggle('only lists'),
};

describe('flags', () => {
  test('have their defaults, and values as typed', () => {
    expect(parseFlags(flags, []).values).toEqual({
      clients: 5,
      workers: null,
      rate: 2,
      steps: [1, 2],
      mode: 'dedup',
      servers: ['a', 'b'],
      list: false,
    });
    const args =
      '--clients 7 --workers=2 --rate 0.5 --steps 3,4 --mode per-connection --servers b --list x'.split(' ');
    expect(parseFlags(flags, args)).toEqual({
      values: {
        clients: 7,
        workers: 2,
        rate: 0.5,
        steps: [3, 4],
        mode: 'per-connection',
        servers: ['b'],
        list: true,
      },
      positionals: ['x'],
    });
  });

  test.each([
    [['--clients', '0'], '--clients 0: should be a whole number from 1 to 100'],
    [['--clients', '1e2'], '--clients 1e2: should be a whole number from 1 to 100'],
    [['--rate', 'fast'], '--rate fast: should be a number from 0.5 to 9'],
    [['--steps', '1,x'], '--steps 1,x: should be whole numbers from 1 to 100, with commas between'],
    [['--mode', 'fast'], '--mode fast: should be dedup or per-connection'],
    [['--servers', 'c'], '--servers c: should be a, b, with commas between'],
    [['--nonsense'], '--nonsense'],
  ])('that are wrong are named, with what would be right: %j', (args, message) => {
    expect(() => parseFlags(flags, args)).toThrow(message);
  });

  test('are all in the help, with their defaults', async () => {
    const { help, run } = command({ name: 'try', summary: 'Tries.', flags, run: async () => 0 });
    for (const name of Object.keys(flags)) expect(help).toContain(`--${name}`);
    expect(help).toContain('(default dedup)');
    await expect(run(['surplus'])).rejects.toThrow('surplus: try takes options only');
  });
});

describe('scenarios', () => {
  test.each(SCENARIOS)('%s is a file without fault, named as it', (name) => {
    expect(readScenario(name).name).toBe(name);
  });

  test('that the documentation names are there', () => {
    expect(SCENARIOS).toEqual(
      expect.arrayContaining(['fanout', 'channels', 'dashboard', 'mixed', 'churn', 'storm', 'slow']),
    );
  });

  test('that do not exist are named, with those that do', () => {
    expect(() => readScenario('fan')).toThrow('fan: no such scenario; there are burst, channels');
    expect(() => readScenario('/nowhere/mine.json')).toThrow('/nowhere/mine.json: ENOENT');
  });

  test('with mistakes are refused with the field', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ssemux-test-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'mine.json');
    const flow = { name: 'a', channels: 1, streams: 1, rate: 1 };
    const write = (value: unknown) =>
      writeFileSync(file, JSON.stringify({ name: 'mine', summary: 's', ...(value as object) }));
    write({ flows: [{ ...flow, streems: 1 }] });
    expect(() => readScenario(file)).toThrow(/streems/);
    write({ flows: [{ ...flow, channelsPerStream: 2 }] });
    expect(() => readScenario(file)).toThrow(
      /not more than there are channels[\s\S]*flows\[0\].channelsPerStream/,
    );
    write({ flows: [flow], headline: 'b' });
    expect(() => readScenario(file)).toThrow(/the name of one of the flows/);
    write({ flows: [flow, flow] });
    expect(() => readScenario(file)).toThrow(/a name of its own/);
  });
});
