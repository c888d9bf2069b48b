// `npm run bench:micro`: what the pieces cost, without sockets. For what a gateway costs, see `npm run bench`.

import { bench, run } from 'mitata';
import { flagHelp, parseFlags, toggle, UsageError } from '../commands/flags.ts';
import { decimal, integer, table } from '../terminal/table.ts';
import type { Benchmark } from './benchmark.ts';
import { fanOuts } from './fan-out.ts';
import { envelopes, frames } from './frames.ts';
import { parsers } from './parser.ts';

const BENCHMARKS: readonly Benchmark[] = [...frames, ...envelopes, ...fanOuts, ...parsers];

const FLAGS = {
  json: toggle("prints mitata's own results as JSON, and nothing else"),
  help: toggle('prints this'),
};

const HELP = `Usage: npm run bench:micro -- [filter] [options]

Measures frame encoding, envelope decoding, the fan-out, and the load client's parser, in this process.
A filter is a regular expression that names must match, such as "fan out" or ^encode.

Options:
${flagHelp(FLAGS)}
`;

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseFlags(FLAGS, args);
  if (values.help) {
    console.log(HELP);
    return;
  }
  const wanted = select(positionals);
  for (const { name, prepare } of wanted) {
    bench(name, function* () {
      yield prepare(); // just before it is measured, so that one benchmark's streams are no load to another
    });
  }
  if (values.json) {
    await run({ throw: true, format: { json: { debug: false, samples: false } } });
    return;
  }
  const colors = process.stdout.isTTY === true && process.stdout.hasColors();
  const { benchmarks } = await run({ throw: true, colors });
  const rows = benchmarks.map(({ alias, runs: [measured] }, i) => ({
    benchmark: alias,
    'events per iteration': integer(wanted[i]!.events),
    'ns per event': decimal(measured!.stats!.avg / wanted[i]!.events),
    median: decimal(measured!.stats!.p50 / wanted[i]!.events),
    fastest: decimal(measured!.stats!.min / wanted[i]!.events),
  }));
  console.log(`\n${table(rows)}`);
}

function select([filter = '', ...more]: readonly string[]): readonly Benchmark[] {
  if (more.length > 0) throw new UsageError(`${more[0]}: there is one filter; put quotes around its words`);
  let expression: RegExp;
  try {
    expression = new RegExp(filter, 'i');
  } catch (error) {
    throw new UsageError(`${(error as Error).message}: should be a regular expression`);
  }
  const wanted = BENCHMARKS.filter(({ name }) => expression.test(name));
  if (wanted.length > 0) return wanted;
  throw new UsageError(
    `${filter}: no such benchmark; there are\n${BENCHMARKS.map(({ name }) => `  ${name}`).join('\n')}`,
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
