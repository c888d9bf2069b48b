import { type Flags, flagHelp, type Parsed, parseFlags, UsageError } from './flags.ts';

/** One of `npm run bench -- NAME`. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** Resolves to the exit code. @throws UsageError */
  run(args: readonly string[]): Promise<number>;
}

/** What was typed after the command's name: as it is, and read. */
export interface Given<F extends Flags> extends Parsed<F> {
  readonly args: readonly string[];
}

interface Definition<F extends Flags> {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Name of the positional arguments in the help, such as `[results...]`; without it there may be none. */
  readonly positionals?: string;
  /** What the flags do not say; read when `--help` asks for it. */
  readonly details?: string;
  readonly flags: F;
  run(given: Given<F>): Promise<number>;
}

export function command<F extends Flags>(definition: Definition<F>): Command {
  const { name, summary, positionals, flags, run } = definition;
  return {
    name,
    summary,
    get help() {
      const { details } = definition;
      const hasFlags = Object.keys(flags).length > 0;
      const usage = ['npm run bench --', name, positionals, hasFlags && '[options]']
        .filter(Boolean)
        .join(' ');
      const options = hasFlags ? `\n\nOptions:\n${flagHelp(flags)}` : '';
      return `Usage: ${usage}\n\n${summary}${details === undefined ? '' : `\n\n${details.trim()}`}${options}\n`;
    },
    async run(args) {
      const parsed = parseFlags(flags, args);
      if (positionals === undefined && parsed.positionals.length > 0) {
        throw new UsageError(`${parsed.positionals[0]}: ${name} takes options only`);
      }
      return run({ ...parsed, args });
    },
  };
}
