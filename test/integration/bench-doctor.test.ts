import { afterEach, expect, test, vi } from 'vitest';
import { doctor } from '../../bench/commands/doctor.ts';
import { UsageError } from '../../bench/commands/flags.ts';
import { freePort, ValkeyServer } from '../support/valkey.ts';

let valkey: ValkeyServer | null = null;

afterEach(async () => {
  vi.restoreAllMocks();
  await valkey?.stop();
  valkey = null;
});

async function run(...args: string[]): Promise<{ code: number; printed: string }> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const code = await doctor.run(args);
  const printed = log.mock.calls.flat().join('\n');
  log.mockRestore();
  return { code, printed };
}

test.runIf(process.platform === 'linux')('the fix of a low maxclients, typed, is a fix', async () => {
  valkey = await ValkeyServer.start('--maxclients', '100');
  const asked = ['--clients', '200', '--mode', 'per-connection', '--valkey-url', valkey.url];

  const before = await run(...asked);
  expect(before.code).toBe(1);
  expect(before.printed).toMatch(/Valkey's maxclients +100 +\d+ +short/);
  const fix = /valkey-cli -p (\d+) CONFIG SET (maxclients) (\d+)/.exec(before.printed);
  expect(fix?.[1]).toBe(String(valkey.port));

  const client = valkey.client();
  await client.config('SET', fix![2]!, fix![3]!);
  client.disconnect();
  const after = await run(...asked);
  expect(after.printed).toMatch(/Valkey's maxclients +1,000 +\d+ +ok/);
  expect(after.printed).not.toContain('CONFIG SET');
});

test.runIf(process.platform === 'linux')(
  'the fix of a small buffer for subscribers, typed, is a fix',
  async () => {
    valkey = await ValkeyServer.start('--client-output-buffer-limit', 'pubsub', '1mb', '1mb', '60');
    const asked = ['--clients', '200', '--valkey-url', valkey.url];

    const before = await run(...asked);
    expect(before.code).toBe(1);
    const fix = /CONFIG SET client-output-buffer-limit "([^"]+)"/.exec(before.printed);

    const client = valkey.client();
    await client.config('SET', 'client-output-buffer-limit', fix![1]!);
    client.disconnect();
    expect((await run(...asked)).printed).not.toContain('client-output-buffer-limit');
  },
);

test.runIf(process.platform === 'linux')('a Valkey of its own is started, asked and ended', async () => {
  const { printed } = await run('--clients', '20000', '--mode', 'per-connection');
  expect(printed).toMatch(/Valkey's maxclients +10,000 +20,\d+ +short/);
  expect(printed).toMatch(/^valkey +\d+\.\d+/m);
});

test.runIf(process.platform === 'linux')(
  'a Valkey that is not there is said to be, without its password',
  async () => {
    const port = await freePort();
    const { code, printed } = await run('--valkey-url', `redis://app:secret@127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(printed).toContain(`Valkey at 127.0.0.1:${port}`);
    expect(printed).toContain('ECONNREFUSED');
    expect(printed).not.toContain('secret');
  },
);

test('a URL that is none is refused with one that would be good', async () => {
  await expect(run('--valkey-url', 'localhost:6379')).rejects.toThrow(UsageError);
  await expect(run('--valkey-url', 'http://localhost')).rejects.toThrow(
    'a URL such as redis://127.0.0.1:6379',
  );
});
