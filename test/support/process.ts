import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { waitFor } from './wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** The command line program in a process of its own. */
export class Ssemux {
  stdout = '';
  stderr = '';
  readonly child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown[]>;

  constructor(args: string[], env: Record<string, string> = {}) {
    this.child = spawn(
      process.execPath,
      ['--max-semi-space-size=8', '--disable-warning=ExperimentalWarning', MAIN, ...args],
      {
        env: { PATH: process.env.PATH, ...env },
      },
    );
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#exit = once(this.child, 'close');
  }

  /** Starts a gateway on a free port, which `url` then tells. */
  static async serve(
    args: string[] = [],
    env: Record<string, string> = {},
  ): Promise<Ssemux & { url: string }> {
    const ssemux = new Ssemux(['serve', '--port', '0', '--log-format', 'json', ...args], env);
    let url: string | undefined;
    await waitFor(() => {
      if (ssemux.child.exitCode !== null) throw new Error(`it ended: ${ssemux.stdout}${ssemux.stderr}`);
      url = /"url":"([^"]+)"/.exec(ssemux.stdout)?.[1];
      return url;
    }, 'the gateway listens');
    return Object.assign(ssemux, { url: url! });
  }

  /** The exit code, once it has ended. */
  async exit(): Promise<number | null> {
    const [code] = await this.#exit;
    return code as number | null;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exit;
  }
}
