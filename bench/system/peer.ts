import { type ChildProcess, fork } from 'node:child_process';
import { adopt, end } from './children.ts';

type Reply = { readonly value: unknown } | { readonly error: string };

/** In a forked process: answers requests, one reply each, and ends when the process that forked it does. */
export function serve<Request>(answer: (request: Request) => Promise<unknown>): void {
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches the whole process group; the parent ends its children in its own order.
  process.on('SIGINT', () => {});
  process.on('message', async (request: Request) => {
    const reply: Reply = await answer(request).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    );
    process.send?.(reply);
  });
}

/** A forked process and the way to ask it things. */
export class Peer<Request> {
  private readonly child: ChildProcess;

  constructor(script: URL) {
    this.child = adopt(fork(script, { execArgv: ['--disable-warning=ExperimentalWarning'] }));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** One request at a time. */
  ask<Value>(request: Request): Promise<Value> {
    return new Promise((resolve, reject) => {
      const onExit = () => {
        this.child.off('message', onMessage);
        reject(new Error(`process ${this.pid} ended (${this.child.exitCode ?? this.child.signalCode})`));
      };
      const onMessage = (reply: unknown) => {
        this.child.off('exit', onExit);
        const { value, error } = reply as { value: Value; error?: string };
        if (error === undefined) resolve(value);
        else reject(new Error(error));
      };
      this.child.once('exit', onExit);
      this.child.once('message', onMessage);
      this.child.send(request as object);
    });
  }

  end(): Promise<void> {
    return end(this.child);
  }
}
