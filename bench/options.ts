import { parseArgs } from 'node:util';
import { figures } from './scenarios/all.ts';

export interface Options {
  readonly names: readonly string[];
  readonly seconds: number;
  readonly nchan: boolean;
  readonly smoke: boolean;
  readonly help: boolean;
  readonly json: string | null;
}

export const HELP = `Usage: npm run bench -- [figure ...] [options]

Measures the gateway on this machine, over loopback, next to nchan where it is installed. Starts and ends
everything itself. Without a figure named, all of them (about five minutes).

Figures:
${figures.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}

Options:
  --seconds <n>  length of each measurement (default 10)
  --no-nchan     leave nchan out
  --json <file>  write what was measured to a file, histograms included
  --smoke        a few seconds that prove delivery without loss, and measure nothing
  --help         this text

Exit code: 1 when the gateway lost, repeated or reordered an event or ended a stream; 2 for a wrong option.
A missed target is printed and does not change it.`;

/** Throws with a sentence for the user when an option or a figure does not exist. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      seconds: { type: 'string', default: '10' },
      nchan: { type: 'boolean', default: true },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const known = figures.map(({ name }) => name);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no figure is called ${unknown}; there are ${known.join(', ')}`);
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 300))
    throw new Error(`--seconds ${values.seconds}: 1 to 300 would be good`);
  const { nchan, smoke, help, json = null } = values;
  return { names: positionals.length > 0 ? positionals : known, seconds, nchan, smoke, help, json };
}
