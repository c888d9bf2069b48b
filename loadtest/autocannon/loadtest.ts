import { randomUUID } from 'node:crypto';
import { ResultsFile } from '../../bench/results/file.ts';
import { startGateway } from '../../bench/servers/gateway.ts';
import { giveServerCores, reserveServerCores } from '../../bench/system/cores.ts';
import { environmentRecord } from '../../bench/system/environment.ts';
import { scratchFolder } from '../../bench/system/scratch.ts';
import { integer, table } from '../../bench/terminal/table.ts';
import { fire } from './fire.ts';
import { IdleStreams, shareOf } from './idle.ts';
import { faultsOf, isUnsaturated, type LoadtestRecord, rowOf } from './record.ts';
import { targets } from './targets.ts';

export interface Load {
  readonly connections: number;
  /** Seconds that each target is fired at. */
  readonly duration: number;
  /** Numbers of idle streams, one after the other, each with a gateway of its own. */
  readonly idle: readonly number[];
  /** Folder for raw results. */
  readonly results: string;
}

/** Fires at every target beside every number of idle streams, one at a time. Resolves to the exit code. */
export async function loadtest(load: Load, command: string): Promise<number> {
  const shares = load.idle.map((streams) => shareOf(streams, load.connections)); // before anything is started
  const cores = reserveServerCores(1);
  const file = new ResultsFile<LoadtestRecord>(load.results, 'autocannon', environmentRecord(command, cores));
  const runs: LoadtestRecord[] = [];
  for (const [i, streams] of load.idle.entries()) {
    console.log(`\n${integer(streams)} idle streams`);
    for await (const run of beside(streams, shares[i]!, load)) {
      file.append(run);
      runs.push(run);
    }
  }
  console.log(`\n${table(runs.map(rowOf))}`);
  if (runs.some(isUnsaturated)) {
    console.log('\nWhere the gateway used less than 90 % of a core, something else set the pace.');
  }
  console.log(`\nraw results  ${file.path}\nto repeat    ${command}`);
  const faults = runs.flatMap(faultsOf);
  if (faults.length === 0) return 0;
  console.error(`\nFAILED\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return 1;
}

async function* beside(streams: number, share: number, { connections, duration }: Load) {
  const publishKey = randomUUID();
  const server = await startGateway('dedup', scratchFolder(), 1, { 'publish-key': publishKey });
  const idle = new IdleStreams(server, streams, share);
  try {
    giveServerCores(server.pids);
    await idle.open();
    for (const target of targets(connections, publishKey)) {
      console.log(`  ${target.name}, ${integer(target.connections)} connections, ${duration} s`);
      const at = new Date().toISOString();
      const fired = await fire(target, server, duration, idle.pids);
      yield {
        record: 'loadtest',
        at,
        target: target.name,
        connections: target.connections,
        idle: { streams, ended: await idle.ended() },
        ...fired,
      } satisfies LoadtestRecord;
    }
  } finally {
    await idle.end();
    await server.stop();
  }
}
