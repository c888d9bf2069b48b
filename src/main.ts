#!/usr/bin/env -S node --max-semi-space-size=8
import { checkConfig } from './commands/check-config.ts';
import { help } from './commands/help.ts';
import { publishCommand } from './commands/publish.ts';
import { serve } from './commands/serve.ts';
import { ConfigError } from './config.ts';

/** A command takes what follows its name, and ends with the exit code of the process; undefined: it goes on running. */
type Command = (argv: string[]) => Promise<number | undefined>;

const COMMANDS: Record<string, Command> = {
  serve,
  publish: publishCommand,
  'check-config': checkConfig,
  help,
};

async function main(argv: string[]): Promise<number | undefined> {
  const [first = 'serve', ...rest] = argv;
  if (argv.includes('--help') || argv.includes('-h') || first === '--version') return help(argv);
  if (first.startsWith('-')) return serve(argv);
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (command !== undefined) return command(rest);
  throw new ConfigError([`unknown command "${first}"; the commands are ${Object.keys(COMMANDS).join(', ')}`]);
}

try {
  const code = await main(process.argv.slice(2));
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  const expected = error instanceof ConfigError;
  console.error(
    `ssemux: ${expected ? (error as Error).message.replaceAll('\n', '\nssemux: ') : (error as Error).stack}`,
  );
  if (expected) console.error('ssemux: see ssemux --help');
  process.exit(expected ? 2 : 1);
}
