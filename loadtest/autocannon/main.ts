// `npm run loadtest`: what one gateway's HTTP endpoints take at most, with and without many streams held beside them.

import {
  flagHelp,
  integer,
  integers,
  parseFlags,
  text,
  toggle,
  UsageError,
} from '../../bench/commands/flags.ts';
import { runProgram, typed } from '../../bench/commands/program.ts';
import { loadtest } from './loadtest.ts';

const FLAGS = {
  connections: integer('connections, each with one request under way', { min: 1, max: 10_000 }, 50),
  duration: integer('seconds for each target', { min: 1, max: 3_600 }, 10),
  idle: integers(
    'idle SSE streams to hold meanwhile, one number after the other',
    { min: 0, max: 999_999 },
    [0, 10_000],
  ),
  results: text('folder for raw results', 'DIR', 'loadtest-results'),
  help: toggle('prints this'),
};

const HELP = `Usage: npm run loadtest -- [options]

Sends POST /publish and GET /healthz to one gateway as fast as it answers. Starts and ends everything itself:
Valkey, the gateway, and the clients that hold the idle streams. loadtest/autocannon/README.md says how to read it.

Options:
${flagHelp(FLAGS)}

Exit code: 0; 1 when a request failed or an idle stream ended; 2 for a wrong command line.
`;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(FLAGS, args);
  if (positionals.length > 0) throw new UsageError(`${positionals[0]}: there are options only`);
  if (!values.help) return loadtest(values, typed('npm run loadtest --', args));
  console.log(HELP);
  return 0;
}

await runProgram('npm run loadtest --', main);
