import { PreflightError } from '../preflight/check.ts';
import { endAll } from '../system/children.ts';
import { UsageError } from './flags.ts';

/** How a program is started with these arguments, fit for a shell. */
export function typed(name: string, args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w./,:=@-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`));
  return [name, ...quoted].join(' ');
}

/**
 * Runs a program on the command line to its exit code: what `main` resolves to, 2 for a wrong command line, 1 for any other
 * error, 130 or 143 for a signal. Whatever it started has ended by then. `name` is how the user started it.
 */
export async function runProgram(
  name: string,
  main: (args: readonly string[]) => Promise<number>,
): Promise<void> {
  let interrupted = false;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      interrupted = true;
      console.error('\nending what was started ...');
      void endAll().finally(() => process.exit(code));
    });
  }
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (interrupted) return; // it broke because its processes were ended
    // A mistake of the user or a limit of the machine needs no stack trace; anything else is a defect.
    const expected = error instanceof UsageError || error instanceof PreflightError;
    console.error(expected ? error.message : error);
    if (error instanceof UsageError) {
      console.error(`${[name, error.command].filter(Boolean).join(' ')} --help says more.`);
    }
    process.exitCode = error instanceof UsageError ? 2 : 1;
  } finally {
    if (!interrupted) await endAll();
  }
}
