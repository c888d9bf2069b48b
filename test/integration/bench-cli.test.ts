import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { childrenOf } from '../../bench/system/proc.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = join(import.meta.dirname, '../..');

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'ssemux-test-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** `npm run bench -- ARGS`, with a folder for temporary files of its own. */
function bench(...args: string[]) {
  const temporary = folder();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'bench/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number);
  return { pid: child.pid!, output, ended, temporary, interrupt: () => child.kill('SIGINT') };
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

describe('the command line', () => {
  test('lists the commands, and each explains itself', async () => {
    const listed = bench('--help');
    expect(await listed.ended).toBe(0);
    for (const name of ['doctor', 'capacity', 'latency', 'scenario', 'compare', 'peers', 'report']) {
      expect(listed.output.text).toContain(`  ${name} `);
      const one = bench(name, '--help');
      expect(await one.ended).toBe(0);
      expect(one.output.text).toContain(`Usage: npm run bench -- ${name}`);
    }
  });

  test.each([
    [['speed'], 'speed: no such command; there are doctor'],
    [['latency', '--clients', 'many'], '--clients many: should be a whole number from 1 to 1000000'],
    [['scenario', 'fan'], 'fan: no such scenario; there are burst'],
    [['scenario'], 'which? burst'],
    [['report', '/nowhere'], '/nowhere: no such file or folder'],
  ])('%j is refused with what would be right', async (args, message) => {
    const refused = bench(...args);
    expect(await refused.ended).toBe(2);
    expect(refused.output.text).toContain(message);
    expect(refused.output.text).not.toContain('    at ');
  });

  test('a whole comparison ends with raw results, a page and a summary', { timeout: 90_000 }, async () => {
    const results = folder();
    const run = bench(
      'compare',
      '--clients',
      '20,40',
      '--duration',
      '1',
      '--repeat',
      '1',
      '--results',
      results,
    );
    expect(await run.ended, run.output.text).toBe(0);
    const files = readdirSync(results);
    expect(files.map((file) => file.replace(/^.*-compare/, '')).sort()).toEqual(['.html', '.jsonl', '.md']);
    expect(readdirSync(run.temporary)).toEqual([]);
  });

  test('Ctrl-C ends all that was started, and leaves nothing where nothing was measured', async () => {
    const results = folder();
    const run = bench('latency', '--clients', '50', '--duration', '60', '--results', results);
    // Valkey, the gateway, a client process, the publisher
    await waitFor(() => childrenOf(run.pid).length === 4, 'all of these run');
    const children = childrenOf(run.pid);
    run.interrupt();
    expect(await run.ended).toBe(130);
    expect(children.filter(isAlive)).toEqual([]);
    expect(readdirSync(run.temporary)).toEqual([]);
    expect(readdirSync(results)).toEqual([]);
  });
});
