import type { Log } from '../../src/log.ts';

/** A log that keeps its lines. */
export class MemoryLog implements Log {
  readonly lines: { level: string; fields: Record<string, unknown>; text: string }[] = [];

  readonly debug = this.#at('debug');
  readonly info = this.#at('info');
  readonly warn = this.#at('warn');
  readonly error = this.#at('error');

  #at(level: string): Log['info'] {
    return (...args: unknown[]) => {
      const fields = typeof args[0] === 'object' ? (args.shift() as Record<string, unknown>) : {};
      this.lines.push({ level, fields, text: String(args[0] ?? '') });
    };
  }
}
