// `npm run bench -- COMMAND`: finds the command, and ends whatever it started.

import { capacity } from './commands/capacity.ts';
import type { Command } from './commands/command.ts';
import { compare } from './commands/compare.ts';
import { doctor } from './commands/doctor.ts';
import { UsageError } from './commands/flags.ts';
import { latency } from './commands/latency.ts';
import { peers } from './commands/peers.ts';
import { runProgram } from './commands/program.ts';
import { report } from './commands/report.ts';
import { scenario } from './commands/scenario.ts';

const COMMANDS: readonly Command[] = [doctor, compare, latency, capacity, scenario, peers, report];

const HELP = `Usage: npm run bench -- <command> [options]

Measures ssemux on this machine, over loopback. Starts and ends everything itself: Valkey, gateways, clients, publisher.

Commands:
${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}

npm run bench -- <command> --help says more. Raw results go to bench-results, a report beside them.
Exit code: 0; 1 when something was lost or does not suffice; 2 for a wrong command line.
`;

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === 'help') {
    console.log(HELP);
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) {
    const known = COMMANDS.map((one) => one.name).join(', ');
    throw new UsageError(`${name}: no such command; there are ${known}`);
  }
  if (args.includes('--help')) {
    console.log(command.help);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(error.message, name) : error;
  }
}

await runProgram('npm run bench --', main);
