import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HELP, type Options, parseOptions } from './options.ts';
import { toJson } from './report/json.ts';
import { printOutcome } from './report/print.ts';
import { isFaultless } from './run/result.ts';
import { figures } from './scenarios/all.ts';
import type { Bench, Outcome } from './scenarios/scenario.ts';
import { smoke } from './scenarios/smoke.ts';
import { startGateway } from './servers/gateway.ts';
import { nchanMissing, startNchan } from './servers/nchan.ts';
import type { Server } from './servers/server.ts';
import { endAll } from './system/children.ts';
import { giveServerCore, reserveServerCore } from './system/cores.ts';
import { environment } from './system/environment.ts';
import { openFilesLimit } from './system/proc.ts';

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\nnpm run bench -- --help says more.`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const directory = await mkdtemp(join(tmpdir(), 'ssemux-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  try {
    return await measure(options, directory);
  } finally {
    await endAll();
  }
}

async function measure(options: Options, directory: string): Promise<number> {
  const scenarios = options.smoke ? [smoke] : figures.filter(({ name }) => options.names.includes(name));
  const around = { ...environment(), cores: reserveServerCore() };
  for (const [name, value] of Object.entries(around)) console.log(`${name.padEnd(14)}${value}`);
  const bench = prepare(options, directory);
  const measured: Record<string, Outcome> = {};
  for (const scenario of scenarios) {
    console.log(`\n== ${scenario.name}: ${scenario.summary}\n`);
    if (openFilesLimit() < scenario.openFiles) {
      console.log(`left out: needs ${scenario.openFiles} open files per process (ulimit -n)`);
      continue;
    }
    measured[scenario.name] = await scenario.run(bench);
    printOutcome(measured[scenario.name]!);
  }
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim();
  console.log(`\nto repeat: ${command}`);
  if (options.json !== null) {
    await writeFile(options.json, toJson({ command, environment: around, figures: measured }));
  }
  const own = Object.values(measured).flatMap(({ runs }) => runs.filter(({ server }) => server !== 'nchan'));
  if (own.every(isFaultless)) return 0;
  console.error('FAILED: the gateway lost, repeated or reordered events, or ended streams');
  return 1;
}

function prepare({ seconds, nchan }: Options, directory: string): Bench {
  const missing = nchan ? nchanMissing() : 'not asked for';
  if (missing !== null) console.log(`\nwithout nchan: ${missing}`);
  const using = async <T>(server: Server, use: (server: Server) => Promise<T>): Promise<T> => {
    try {
      giveServerCore(server.pids);
      return await use(server);
    } finally {
      await server.stop();
    }
  };
  return {
    seconds,
    gateway: async (mode, use) => using(await startGateway(mode, directory), use),
    nchan: async (use) => (missing === null ? using(await startNchan(directory), use) : null),
  };
}

let interrupted = false;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    interrupted = true;
    void endAll().finally(() => process.exit(code));
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (interrupted) return; // the run broke because its processes were ended
    console.error(error);
    process.exit(1);
  },
);
