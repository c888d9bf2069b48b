import { type ChildProcess, fork } from 'node:child_process';
import { adopt, end } from './children.ts';

interface Numbered<Content> {
  readonly id: number;
  readonly content: Content;
}

type Reply = { readonly value: unknown } | { readonly error: string };

/** In a forked process: answers requests, one reply each, and ends when the process that forked it does. */
export function serve<Request>(answer: (request: Request) => Promise<unknown>): void {
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches the whole process group; the parent ends its children in its own order.
  process.on('SIGINT', () => {});
  process.on('message', async ({ id, content }: Numbered<Request>) => {
    const reply: Reply = await answer(content).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    );
    process.send?.({ id, content: reply } satisfies Numbered<Reply>);
  });
}

/** A forked process and the way to ask it things. */
export class Peer<Request> {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private asked = 0;

  constructor(script: URL) {
    this.child = adopt(fork(script, { execArgv: ['--disable-warning=ExperimentalWarning'] }));
    this.child.on('message', ({ id, content }: Numbered<Reply>) => {
      this.waiting.get(id)!(content);
      this.waiting.delete(id);
    });
    this.child.once('exit', (code, signal) => {
      const error = `process ${this.pid} ended (${code ?? signal})`;
      for (const resolve of this.waiting.values()) resolve({ error });
      this.waiting.clear();
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Questions may overlap. */
  async ask<Value>(request: Request): Promise<Value> {
    const id = this.asked++;
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.set(id, resolve);
      this.child.send({ id, content: request } satisfies Numbered<Request>, (error) => {
        if (error !== null) resolve({ error: `process ${this.pid}: ${error.message}` });
      });
    });
    if ('error' in reply) throw new Error(reply.error);
    return reply.value as Value;
  }

  end(): Promise<void> {
    return end(this.child);
  }
}
