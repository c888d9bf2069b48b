import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { flagOf, SETTING_NAMES, SETTINGS } from '../../src/config.ts';
import type { GatewayStats } from '../../src/gateway.ts';
import { post } from '../support/gateway.ts';
import { Ssemux } from '../support/process.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { SseClient } from '../support/sse-client.ts';
import { freePort, ValkeyServer } from '../support/valkey.ts';
import { waitFor } from '../support/wait.ts';

type Env = Record<string, string>;

const started = new Set<Ssemux>();
afterAll(() => Promise.all([...started].map((ssemux) => ssemux.stop())));

/** Runs a command to its end. */
async function run(args: string[], env: Env = {}, stdin = '') {
  const ssemux = new Ssemux(args, env);
  started.add(ssemux);
  ssemux.child.stdin.end(stdin);
  const code = await ssemux.exit();
  started.delete(ssemux);
  return { code, stdout: ssemux.stdout, stderr: ssemux.stderr };
}

async function serve(args: string[] = [], env: Env = {}) {
  const ssemux = await Ssemux.serve(args, env);
  onTestFinished(() => ssemux.stop());
  return ssemux;
}

const portOf = ({ url }: { url: string }) => new URL(url).port;
const stats = async ({ url }: { url: string }) =>
  (await (await fetch(`${url}/stats`)).json()) as GatewayStats;

describe('serve', () => {
  test.each([
    [['--port', '0'], 'dedup mode', 'broker memory (this process only; set VALKEY_URL for Valkey)'],
    [['serve', '--port', '0', '--mode', 'per-connection'], 'per-connection mode', 'broker memory'],
    [
      ['serve', '--port', '0', '--valkey-url', 'valkey://127.0.0.1:1'],
      'dedup mode',
      'broker valkey://127.0.0.1:1',
    ],
  ])('ssemux %s greets with mode, broker, and commands that work', async (args, mode, broker) => {
    const ssemux = new Ssemux(args);
    onTestFinished(() => ssemux.stop());
    await waitFor(() => ssemux.stdout.includes('-d '), 'the greeting is there');
    expect(ssemux.stdout).toContain(mode);
    expect(ssemux.stdout).toContain(broker);
    const url = /page +(http:\/\/127\.0\.0\.1:\d+)\/\n/.exec(ssemux.stdout)?.[1];
    expect(ssemux.stdout).toContain(`curl -N '${url}/events?channel=order:123'`);
    expect(ssemux.stdout).toMatch(`curl ${url}/publish -H 'content-type: application/json'`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('the publish command of the greeting reaches the stream command of the greeting', async () => {
    const ssemux = new Ssemux(['--port', '0']);
    onTestFinished(() => ssemux.stop());
    await waitFor(() => ssemux.stdout.includes('-d '), 'the greeting is there');
    const stream = /curl -N '([^']+)'/.exec(ssemux.stdout)![1]!;
    const [, url, type, body] =
      /curl (\S+) -H 'content-type: ([^']+)' \\\s+-d '([^']+)'/.exec(ssemux.stdout) ?? [];
    const client = await SseClient.request(stream);
    await waitFor(() => client.comments.includes('open'), 'the stream is open');
    await fetch(url!, { method: 'POST', headers: { 'content-type': type! }, body: body! });
    await waitFor(() => client.events.length === 1, 'the event arrives');
    expect(client.events[0]).toMatchObject({ event: 'status', data: '<b>Shipped</b>' });
  });

  test('a port that another gateway has is an error that names it, not half of the traffic', async () => {
    const first = await serve();
    const { code, stderr } = await run(['serve', '--port', portOf(first)]);
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${portOf(first)}: the port is in use`);
    expect(stderr).toContain('--port (PORT)');
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
  });

  test('a port that something else has is an error that names it', async () => {
    const foreign = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void foreign.close());
    await once(foreign, 'listening');
    const { port } = foreign.address() as { port: number };
    const { code, stderr } = await run(['--log-level', 'silent'], { PORT: String(port) });
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}: the port is in use`);
  });

  test('an address that is not of this machine is an error that says so', async () => {
    const { code, stderr } = await run(['--port', '0', '--host', '192.0.2.1', '--allow-anonymous']);
    expect(code).toBe(1);
    expect(stderr).toContain('the address is not one of this machine; see --host (HOST)');
  });
});

describe('settings', () => {
  test.concurrent.each(['serve', 'check-config'])('%s tells all that is wrong at once', async (command) => {
    const { code, stdout, stderr } = await run(
      [command, '--port', '70000', '--max-buffer', '1MB', '--valkey-url', 'http://localhost'],
      {
        SSEMUX_HEARTBEAT: '15',
        SSEMUX_MODE: 'both',
        SSEMUX_PUBLISH_KEY: 'short',
        SSEMUX_ALLOW_ANONYMOUS: 'perhaps',
      },
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toEqual([
      'ssemux: --port (PORT) is "70000": must be a whole number from 0 to 65535',
      expect.stringMatching(
        /^ssemux: --valkey-url \(VALKEY_URL\) is "http:\/\/localhost": must be a URL such as/,
      ),
      'ssemux: --mode (SSEMUX_MODE) is "both": must be dedup or per-connection',
      expect.stringMatching(/^ssemux: --publish-key \(SSEMUX_PUBLISH_KEY\) is "\*\*\*": must be at least 8/),
      'ssemux: --allow-anonymous (SSEMUX_ALLOW_ANONYMOUS) is "perhaps": must be true or false',
      'ssemux: --heartbeat (SSEMUX_HEARTBEAT) is "15": must be a duration from 1s to 1h, such as 15s',
      'ssemux: --max-buffer (SSEMUX_MAX_BUFFER) is "1MB": must be a size from 1KiB to 1GiB, such as 1MiB',
      'ssemux: see ssemux --help',
    ]);
  });

  test.concurrent.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['serve', '--port'], "Option '--port"],
    [['serve', 'extra'], "Unexpected argument 'extra'"],
    [['sevre'], 'unknown command "sevre"; the commands are serve, publish, check-config'],
    [['constructor'], 'unknown command "constructor"'],
    [['__proto__'], 'unknown command "__proto__"'],
  ])('%s is refused by name', async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('see ssemux --help');
    expect(stderr).not.toContain('    at '); // no stack
  });

  test.concurrent('more streams than the open-files limit allows are refused, with the number that is possible', async () => {
    const { code, stderr } = await run(['check-config', '--max-connections', '1000000']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--max-connections .* is "1000000": must be at most \d+, .*ulimit -n/);
  });

  test.concurrent('an address that others reach is refused without access control', async () => {
    const { code, stderr } = await run(['serve', '--port', '0'], { HOST: '0.0.0.0' });
    expect(code).toBe(2);
    expect(stderr).toContain('--host (HOST) is "0.0.0.0"');
    expect(stderr).toContain('--allow-anonymous (SSEMUX_ALLOW_ANONYMOUS=true)');
  });

  test('with --allow-anonymous it listens there, but publishing needs a key', async () => {
    const open = await serve(['--host', '0.0.0.0', '--allow-anonymous']);
    const url = `http://127.0.0.1:${portOf(open)}`;
    const client = await SseClient.open(url, ['a']);
    const response = await post({ url }, { channel: 'a' });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('SSEMUX_PUBLISH_KEY') });
    expect((await post({ url }, { channel: 'a' }, { authorization: 'Bearer ' })).status).toBe(403);
    expect(client.events).toEqual([]);
  });

  test('with a key, who has it publishes there', async () => {
    const open = await serve([], {
      HOST: '0.0.0.0',
      SSEMUX_ALLOW_ANONYMOUS: 'true',
      SSEMUX_PUBLISH_KEY: 'key-of-test',
    });
    const url = `http://127.0.0.1:${portOf(open)}`;
    expect((await post({ url }, { channel: 'a' })).status).toBe(401);
    expect((await post({ url }, { channel: 'a' }, { authorization: 'Bearer key-of-test' })).status).toBe(200);
  });

  test.concurrent('check-config prints every setting in force and its source, a flag before a variable', async () => {
    const { code, stdout, stderr } = await run(['check-config', '--port', '9000', '--linger', '5s'], {
      PORT: '9001',
      SSEMUX_HEARTBEAT: '20s',
      SSEMUX_MODE: '',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = new Map(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/))
        .map(([name, value, source]) => [name, [value, source]]),
    );
    expect([...rows.keys()]).toEqual(SETTING_NAMES.map((name) => flagOf(name).slice(2)));
    expect(rows.get('port')).toEqual(['9000', '--port']);
    expect(rows.get('linger')).toEqual(['5s', '--linger']);
    expect(rows.get('heartbeat')).toEqual(['20s', 'SSEMUX_HEARTBEAT']);
    expect(rows.get('mode')).toEqual(['dedup', 'default']);
    expect(rows.get('valkey-url')).toEqual(['(unset)', 'default']);
    expect(rows.get('max-connections')).toEqual([expect.stringMatching(/^\d+$/), 'default']);
  });

  test.concurrent('--help names every setting by flag and variable, and every command', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const name of SETTING_NAMES) {
      expect(stdout).toContain(`  ${flagOf(name)}`);
      expect(stdout).toContain(SETTINGS[name].env);
    }
    for (const command of ['check-config', 'publish CHANNEL']) expect(stdout).toContain(`ssemux ${command}`);
    expect((await run(['serve', '--help'])).stdout).toBe(stdout);
  });

  test.concurrent('--version prints the version alone', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
});

describe('secrets', () => {
  const PASSWORD = 'pass-w0rd';
  const KEY = 'publish-k3y';

  test.concurrent('check-config hides them', async () => {
    const { stdout, stderr } = await run(
      ['check-config', '--valkey-url', `valkey://me:${PASSWORD}@db:6379/1`],
      {
        SSEMUX_PUBLISH_KEY: KEY,
      },
    );
    expect(stdout).toContain('valkey://***@db:6379/1');
    expect(stdout).toMatch(/publish-key +\*\*\* +SSEMUX_PUBLISH_KEY/);
    expect(stdout + stderr).not.toContain(PASSWORD);
    expect(stdout + stderr).not.toContain(KEY);
  });

  test.concurrent.each([
    ['of an unknown scheme', `http://me:${PASSWORD}@db`],
    ['of an unknown scheme with a plus', `redis+tls://me:${PASSWORD}@db`],
    ['without a scheme', `me:${PASSWORD}@db:6379`],
    ['with a slash in the password', `valkey://me:x/${PASSWORD}@db:6379`],
    ['with a hash in the password', `valkey://me:x#${PASSWORD}@db:6379`],
    ['with an at sign in the password', `valkey://me:x@${PASSWORD}@db:6379/x`],
    ['with bad percent-encoding', `valkey://me:%zz${PASSWORD}@db:6379`],
    ['with a bad database', `valkey://:${PASSWORD}@db:6379/one`],
  ])('an error about a Valkey URL %s does not show its password', async (_, url) => {
    const commands = [['check-config'], ['publish', 'order:1']];
    for (const { code, stdout, stderr } of await Promise.all(
      commands.map((command) => run([...command, '--valkey-url', url])),
    )) {
      expect(code).toBe(2);
      expect(stderr).toContain('--valkey-url (VALKEY_URL)');
      expect(stdout + stderr).not.toContain(PASSWORD);
    }
  });

  test.each(['away', 'there and refusing the password'])(
    'never show in what is printed and answered while Valkey is %s',
    async (state) => {
      const valkey = state === 'away' ? undefined : await ValkeyServer.start();
      onTestFinished(() => valkey?.stop());
      const port = valkey?.port ?? (await freePort());
      const ssemux = await serve(['--log-level', 'debug'], {
        VALKEY_URL: `valkey://me:${PASSWORD}@127.0.0.1:${port}`,
        SSEMUX_PUBLISH_KEY: KEY,
      });
      await waitFor(() => ssemux.stdout.includes('retrying'), 'the trouble is logged');
      const answers = await Promise.all([
        post(ssemux, { channel: 'a' }),
        post(ssemux, { channel: 'a' }, { authorization: `Bearer ${KEY}` }),
        fetch(`${ssemux.url}/events?channel=a`),
        ...['/', '/stats', '/readyz'].map((path) => fetch(ssemux.url + path)),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([401, 503, 200, 200, 200, 503]);
      const told = await Promise.all(answers.map((answer) => answer.text()));
      ssemux.child.kill('SIGTERM');
      expect(await ssemux.exit()).toBe(0);
      for (const text of [...told, ssemux.stdout, ssemux.stderr]) {
        expect(text).not.toContain(PASSWORD);
        expect(text).not.toContain(KEY);
      }
    },
  );
});

describe('SIGTERM', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s with nothing open is exit code 0', async (signal) => {
    const ssemux = await serve();
    ssemux.child.kill(signal);
    expect(await ssemux.exit()).toBe(0);
    expect(ssemux.stdout).toContain(`${signal}: ending streams`);
    expect(ssemux.stdout).toContain('stopped');
    expect(ssemux.stderr).toBe('');
  });

  test('streams end with a retry of their own each, and those that do not read hold nothing up', async () => {
    const ssemux = await serve(['--max-buffer', '1GiB']);
    const reading = await Promise.all(
      Array.from({ length: 20 }, () => SseClient.open(ssemux.url, ['small'])),
    );
    const stuck = await Promise.all(Array.from({ length: 5 }, () => SseClient.open(ssemux.url, ['large'])));
    for (const client of stuck) client.pause();
    onTestFinished(() => {
      for (const client of stuck) client.close();
    });
    const data = 'x'.repeat(500_000);
    await waitFor(async () => {
      await post(ssemux, { channel: 'large', data });
      return (await stats(ssemux)).connections.congested === stuck.length;
    }, 'the clients that do not read are congested');

    ssemux.child.kill('SIGTERM');
    await waitFor(() => ssemux.child.exitCode !== null, 'it has ended', 5_000);
    expect(ssemux.child.exitCode).toBe(0);
    await waitFor(() => reading.every(({ ended }) => ended), 'the streams have ended');
    for (const { response, retry } of reading) {
      expect(response.complete).toBe(true);
      expect(retry).toBeGreaterThanOrEqual(1_000);
    }
    expect(new Set(reading.map(({ retry }) => retry)).size).toBeGreaterThan(1); // they do not come back all at once
  });

  /** A gateway that got SIGTERM while a publish request was under way, and that request's socket. */
  async function stopping() {
    const ssemux = await serve();
    const publishing = await RawSocket.connect(ssemux.url);
    publishing.send('POST /publish HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n');
    publishing.send('content-type: application/json\r\ncontent-length: 15\r\n\r\n');
    await waitFor(() => publishing.received.includes(' 100 '), 'the request has arrived');
    ssemux.child.kill('SIGTERM');
    await waitFor(() => refused(ssemux), 'new connections are refused');
    return { ssemux, publishing };
  }

  const refused = ({ url }: { url: string }) =>
    new Promise<boolean>((resolve) => {
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      socket.on('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
    });

  test('new connections are refused while a request under way is still answered', async () => {
    const { ssemux, publishing } = await stopping();
    expect(ssemux.child.exitCode).toBe(null);
    publishing.send('{"channel":"a"}');
    await waitFor(() => publishing.received.endsWith('}\n'), 'the answer');
    expect(publishing.received).toMatch(/ 200 OK[\s\S]*\{"receivers":0\}/);
    expect(await ssemux.exit()).toBe(0);
  });

  test('a second signal ends it at once', async () => {
    const { ssemux } = await stopping();
    ssemux.child.kill('SIGTERM');
    expect(await ssemux.exit()).toBe(1);
  });

  test('a request that never ends does not keep it from stopping', async () => {
    const { ssemux, publishing } = await stopping();
    await waitFor(() => ssemux.child.exitCode !== null, 'it has ended', 5_000);
    expect(ssemux.child.exitCode).toBe(0);
    await waitFor(() => publishing.closed, 'the request is cut');
  });
});

describe('publish', () => {
  let valkey: ValkeyServer;
  beforeAll(async () => {
    valkey = await ValkeyServer.start();
  });
  afterAll(() => valkey.stop());

  /** A client of a gateway at that Valkey. */
  async function subscriber() {
    const ssemux = await serve(['--valkey-url', valkey.url]);
    await waitFor(async () => (await fetch(`${ssemux.url}/readyz`)).status === 200, 'it is ready');
    return SseClient.open(ssemux.url, ['order:1']);
  }

  test('an event reaches the browsers, and the number of gateways is printed', async () => {
    const client = await subscriber();
    const args = ['--event', 'status', '--data', '<b>hi</b>', '--id', '7', '--retry', '3000'];
    expect(await run(['publish', 'order:1', ...args, '--valkey-url', valkey.url])).toEqual({
      code: 0,
      stdout: 'receivers: 1\n',
      stderr: '',
    });
    await waitFor(() => client.events.length === 1, 'the event arrives');
    expect(client.events).toEqual([{ event: 'status', data: '<b>hi</b>', id: '7' }]);
    expect(client.retry).toBe(3000);
  });

  test('data - is read from standard input, lines and all', async () => {
    const client = await subscriber();
    const text = 'one\n\nevent: two\nthree ü';
    const { code } = await run(['publish', 'order:1', '--data', '-'], { VALKEY_URL: valkey.url }, text);
    expect(code).toBe(0);
    await waitFor(() => client.events.length === 1, 'the event arrives');
    expect(client.events).toEqual([{ event: 'update', data: text, id: undefined }]);
  });

  test.concurrent('where nobody listens there are 0 receivers, which is no error', async () => {
    const { code, stdout } = await run(['publish', 'order:nobody'], { VALKEY_URL: valkey.url });
    expect([code, stdout]).toEqual([0, 'receivers: 0\n']);
  });

  test.concurrent.each([
    ['no channel', [], 'takes one channel, such as order:123, not 0'],
    ['two channels', ['a', 'b'], 'takes one channel, such as order:123, not 2'],
    ['an unknown flag', ['a', '--dta', 'x'], "Unknown option '--dta'"],
    ['a channel with a space', ['a b'], 'channel "a b" must not contain spaces'],
    ['a pattern', ['a*'], 'patterns are not supported'],
    ['an event name of two lines', ['a', '--event', 'x\ny'], 'event must be text without CR, LF'],
    ['an id of two lines', ['a', '--id', 'x\ny'], 'id must be text without CR, LF'],
    ['a retry that is no number', ['a', '--retry', '1s'], '--retry is "1s": must be a whole number'],
  ])('%s is refused with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await run(['publish', ...args], { VALKEY_URL: valkey.url });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test.concurrent('a Valkey that cannot be reached is an error that says where and what to do', async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await run(['publish', 'order:1'], {
      VALKEY_URL: `valkey://me:pass-w0rd@127.0.0.1:${port}`,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(
      `could not publish through valkey://***@127.0.0.1:${port}: connect ECONNREFUSED`,
    );
    expect(stderr).toContain('--valkey-url or VALKEY_URL');
    expect(stderr).not.toContain('pass-w0rd');
  });

  test.concurrent('a Valkey that refuses the password is an error that says so', async () => {
    const { code, stderr } = await run(['publish', 'order:1'], {
      VALKEY_URL: valkey.url.replace('//', '//me:pass-w0rd@'),
    });
    expect(code).toBe(1);
    expect(stderr).toContain('WRONGPASS');
    expect(stderr).not.toContain('pass-w0rd');
  });
});
