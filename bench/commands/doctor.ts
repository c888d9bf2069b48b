import type { Check } from '../preflight/check.ts';
import type { Demand } from '../preflight/costs.ts';
import { type Limits, readLimits } from '../preflight/limits.ts';
import { needs } from '../preflight/needs.ts';
import { plan } from '../preflight/plan.ts';
import { checksText, programsText } from '../preflight/print.ts';
import { readValkey, type ValkeyLimits, valkeyNeeds } from '../preflight/valkey.ts';
import { MODES } from '../servers/mode.ts';
import { startValkey } from '../servers/valkey.ts';
import { findProgram } from '../system/programs.ts';
import { scratchFolder } from '../system/scratch.ts';
import { programs } from '../system/versions.ts';
import { integer as grouped } from '../terminal/table.ts';
import { command } from './command.ts';
import { choice, type Flag, integer } from './flags.ts';

const valkeyUrl: Flag<URL | null> = {
  value: 'URL',
  help: 'the Valkey to look at; default: the one that the bench starts',
  fallback: null,
  shown: '',
  parse(text) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url !== null && /^(redis|valkey)s?:$/.test(url.protocol) && url.hostname !== '') return url;
    throw new Error('a URL such as redis://127.0.0.1:6379');
  },
};

export const doctor = command({
  name: 'doctor',
  summary: 'Says what this machine lacks for a number of streams, and the commands that change it.',
  details: `
Looks at limits of the kernel, memory, Valkey and the programs there are; changes nothing.
Exit code 1 when something is short. Programs to compare with may be missing.`,
  flags: {
    clients: integer('SSE streams to be held', { min: 1, max: 1_000_000 }, 10_000),
    mode: choice('mode of the gateway', MODES, 'dedup'),
    workers: integer(
      'gateway processes; default: as many as their open-files limit asks for',
      { min: 1, max: 256 },
      null,
    ),
    'valkey-url': valkeyUrl,
  },
  async run({ values: { clients: streams, mode, workers, 'valkey-url': url } }) {
    const limits = readLimits();
    const load = { streams, mode, eventsPerSecond: 0, serverProcesses: workers ?? ('auto' as const) };
    const { serverProcesses, clientProcesses } = plan(load, limits);
    const demand = { streams, mode, serverProcesses, clientProcesses };
    const checks = [...needs(demand, limits), ...(await valkeyChecks(url, demand, limits))];

    console.log(
      `${grouped(streams)} streams in ${mode} mode: gateway processes ${serverProcesses}, client processes ${clientProcesses}\n`,
    );
    console.log(`${programsText(programs())}\n`);
    console.log(checksText(checks, streams));
    return checks.every(({ enough }) => enough) ? 0 : 1;
  },
});

async function valkeyChecks(url: URL | null, demand: Demand, limits: Limits): Promise<Check[]> {
  if (url === null && findProgram('valkey-server', 'redis-server') === null) {
    return [unanswered('Valkey', 'not installed: npm run setup')];
  }
  try {
    const valkey = url === null ? await readOwn() : await readValkey(url);
    return valkeyNeeds(demand, valkey, limits.openFiles);
  } catch (error) {
    const name = url === null ? 'Valkey, as the bench starts it' : `Valkey at ${url.host}`;
    const { message } = error as Error;
    return [unanswered(name, `${message}; it must run, and answer INFO and CONFIG GET to this user`)];
  }
}

async function readOwn(): Promise<ValkeyLimits> {
  const valkey = await startValkey(scratchFolder());
  try {
    return { ...(await readValkey(new URL(valkey.url))), cli: null, connected: 0 };
  } finally {
    await valkey.stop();
  }
}

function unanswered(name: string, fix: string): Check {
  return { name, here: 'no answer', need: 'an answer', enough: false, fix, stops: true };
}
