import { parseArgs } from 'node:util';

/** A mistake on the command line; its message is for the user and names the flag, the value and what would be right. */
export class UsageError extends Error {
  /** The command whose `--help` explains it; empty for the program's own. */
  readonly command: string;

  constructor(message: string, command = '') {
    super(message);
    this.command = command;
  }
}

/** One flag: how to read its value, and what `--help` says of it. */
export interface Flag<Value> {
  /** Placeholder in the help, such as `N`; empty for a flag without value. */
  readonly value: string;
  readonly help: string;
  readonly fallback: Value;
  /** How the help shows the default; empty for none. */
  readonly shown: string;
  /** Throws what would be right, as `a whole number from 1 to 10`. */
  parse(text: string): Value;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type Values<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer V> ? V : never;
};

interface Range {
  readonly min: number;
  readonly max: number;
}

export function integer<D extends number | null>(help: string, range: Range, fallback: D): Flag<number | D> {
  return numeric('N', help, fallback, (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= range.min && value <= range.max) return value;
    throw new Error(`a whole number from ${range.min} to ${range.max}`);
  });
}

export function decimal<D extends number | null>(help: string, range: Range, fallback: D): Flag<number | D> {
  return numeric('N', help, fallback, (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= range.min && value <= range.max) return value;
    throw new Error(`a number from ${range.min} to ${range.max}`);
  });
}

/** Whole numbers separated by commas. */
export function integers(help: string, range: Range, fallback: readonly number[]): Flag<readonly number[]> {
  const one = integer(help, range, null);
  return {
    value: 'N,N,...',
    help,
    fallback,
    shown: fallback.join(','),
    parse(text) {
      try {
        return text.split(',').map((part) => one.parse(part.trim())!);
      } catch (error) {
        throw new Error(
          `${(error as Error).message.replace(/^a whole number/, 'whole numbers')}, with commas between`,
        );
      }
    },
  };
}

export function choice<C extends string>(help: string, choices: readonly C[], fallback: C): Flag<C> {
  return {
    value: choices.join('|'),
    help,
    fallback,
    shown: fallback,
    parse(text) {
      if ((choices as readonly string[]).includes(text)) return text as C;
      throw new Error(choices.join(' or '));
    },
  };
}

/** Several of a set of words, with commas between. */
export function choices<C extends string>(
  help: string,
  all: readonly C[],
  fallback: readonly C[],
): Flag<readonly C[]> {
  const one = choice(help, all, all[0]!);
  return {
    value: 'NAME,...',
    help,
    fallback,
    shown: fallback.join(','),
    parse: (text) => {
      try {
        return text.split(',').map((part) => one.parse(part.trim()));
      } catch {
        throw new Error(`${all.join(', ')}, with commas between`);
      }
    },
  };
}

export function text<D extends string | null>(help: string, value: string, fallback: D): Flag<string | D> {
  return { value, help, fallback, shown: fallback ?? '', parse: (given) => given };
}

export function toggle(help: string): Flag<boolean> {
  return { value: '', help, fallback: false, shown: '', parse: () => true };
}

function numeric<D extends number | null>(
  value: string,
  help: string,
  fallback: D,
  parse: (text: string) => number,
): Flag<number | D> {
  return { value, help, fallback, shown: fallback === null ? '' : String(fallback), parse };
}

export interface Parsed<F extends Flags> {
  readonly values: Values<F>;
  readonly positionals: readonly string[];
}

/** @throws UsageError */
export function parseFlags<F extends Flags>(flags: F, args: readonly string[]): Parsed<F> {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value === '' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  let given: { values: Record<string, unknown>; positionals: string[] };
  try {
    given = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ', 1)[0]!); // the rest is advice for positional arguments
  }
  const values = Object.entries(flags).map(([name, flag]) => {
    const value = given.values[name];
    if (value === undefined) return [name, flag.fallback];
    try {
      return [name, flag.parse(String(value))];
    } catch (error) {
      throw new UsageError(`--${name} ${value}: should be ${(error as Error).message}`);
    }
  });
  return { values: Object.fromEntries(values) as Values<F>, positionals: given.positionals };
}

/** The lines of `--help` for these flags. */
export function flagHelp(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, { value, help, shown }]) => [
    `--${name}${value === '' ? '' : ` ${value}`}`,
    `${help}${shown === '' ? '' : ` (default ${shown})`}`,
  ]);
  const width = Math.max(...rows.map(([flag]) => flag!.length));
  return rows.map(([flag, help]) => `  ${flag!.padEnd(width)}  ${help}`).join('\n');
}
