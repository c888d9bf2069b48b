import { totalEventsPerSecond, totalStreams } from '../load/flow.ts';
import { describe, PreflightError } from '../preflight/check.ts';
import { readLimits } from '../preflight/limits.ts';
import { plan } from '../preflight/plan.ts';
import { faults } from '../report/figures.ts';
import { ResultsFile, readResults } from '../results/file.ts';
import type { RunRecord } from '../results/record.ts';
import { run } from '../run/run.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { Subject } from '../servers/subject.ts';
import { isEnding } from '../system/children.ts';
import { giveServerCores, reserveServerCores } from '../system/cores.ts';
import { environmentRecord } from '../system/environment.ts';
import { scratchFolder } from '../system/scratch.ts';
import { integer } from '../terminal/table.ts';
import { text } from './flags.ts';
import { printRun, printRuns } from './print.ts';
import { typed } from './program.ts';
import { RESULTS_FOLDER, writeReport } from './report.ts';

/** One run to make: a server under a load. Commands make lists of them, and `measure` carries them out. */
export interface Job {
  readonly subject: Subject;
  readonly scenario: Scenario;
  /** The arguments that repeat this run alone. */
  readonly repeat: readonly string[];
  /** 1 for the first. */
  readonly repetition: number;
  readonly ramp?: number | null;
  /** Whether to wait until memory no longer moves, and to take it with few streams too. */
  readonly weigh?: boolean;
  /** When the server refuses: whether to go on with the streams that are open. */
  readonly holdWhatOpened?: boolean;
}

export const resultsFlag = {
  results: text('folder for raw results and the report', 'DIR', RESULTS_FOLDER),
};

/** 1 to `count`. */
export function repetitions(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function commandLine(args: readonly string[]): string {
  return typed('npm run bench --', args);
}

/**
 * Checks the machine for all jobs, then makes them one after the other; writes each result at once, and a report at the
 * end. Resolves to the exit code: 1 if a run lost, repeated or reordered an event, ended a stream, refused one without having
 * reached a ceiling, or broke down; unless its server is one of those that `mayFail`.
 */
export async function measure(
  args: readonly string[],
  jobs: readonly Job[],
  folder: string,
  mayFail: (subject: Subject) => boolean = () => false,
): Promise<number> {
  const limits = readLimits();
  const shortages = new Set<string>();
  const plans = jobs.map(({ subject, scenario }) => {
    const streams = totalStreams(scenario);
    const eventsPerSecond = totalEventsPerSecond(scenario);
    const { mode, processes: serverProcesses } = subject;
    const made = plan({ streams, eventsPerSecond, mode, serverProcesses }, limits);
    const stopping = made.problems.filter(({ stops }) => stops);
    if (stopping.length > 0) throw new PreflightError(stopping);
    for (const problem of made.problems) shortages.add(describe(problem));
    return { streamsPerProcess: Math.ceil(streams / made.clientProcesses) };
  });

  if (shortages.size > 0) console.log(`This machine is short of something:\n${[...shortages].join('\n')}`);

  const cores = reserveServerCores(Math.max(...jobs.map(({ subject }) => subject.processes)));
  const environment = environmentRecord(commandLine(args), cores);
  const file = new ResultsFile<RunRecord>(folder, args[0]!, environment);
  const runs: RunRecord[] = [];
  const failures = new Set<string>();
  const startMs = performance.now();
  for (const [i, job] of jobs.entries()) {
    if (wasStopped(runs, job)) continue;
    const name = nameOf(job);
    const fail = (why: string) => mayFail(job.subject) || failures.add(`${name}: ${why}`);
    console.log(`\n[${i + 1}/${jobs.length}]${timeLeft(startMs, i, jobs.length)} ${name}`);
    try {
      const record = await carryOut(job, plans[i]!);
      file.append(record);
      runs.push(record);
      printRun(record);
      for (const fault of faults(record)) fail(fault);
      if (record.stopped?.ceiling === false) fail(record.stopped.reason);
    } catch (error) {
      if (isEnding()) {
        if (runs.length > 0) console.error(`what was measured: ${file.path}`);
        throw error;
      }
      // A server that broke down is no reason to leave the others unmeasured.
      console.error(error);
      fail((error as Error).message);
    }
  }
  if (runs.length > 0) {
    console.log();
    printRuns(runs);
    const report = await writeReport([readResults(file.path)], file.path.replace(/jsonl$/, 'html'));
    console.log(`\nraw results  ${file.path}\nreport       ${report.html}\nsummary      ${report.markdown}`);
  }
  console.log(`to repeat    ${environment.command}`);
  if (failures.size === 0) return 0;
  console.error(`\nFAILED\n${[...failures].map((failure) => `  ${failure}`).join('\n')}`);
  return 1;
}

async function carryOut(job: Job, { streamsPerProcess }: { streamsPerProcess: number }): Promise<RunRecord> {
  const { subject, scenario, repetition, ramp = null, weigh = false, holdWhatOpened = false } = job;
  const server = await subject.start(scratchFolder());
  try {
    giveServerCores(server.pids);
    const at = new Date().toISOString();
    const measurement = await run(server, scenario, { streamsPerProcess, ramp, weigh, holdWhatOpened });
    return {
      record: 'run',
      at,
      repeat: commandLine(job.repeat),
      scenario,
      repetition,
      server: { name: subject.name, mode: subject.mode, processes: subject.processes },
      ...measurement,
    };
  } finally {
    await server.stop();
  }
}

/** A server that could not hold these streams once need not be asked again. */
function wasStopped(runs: readonly RunRecord[], { subject, scenario }: Job): boolean {
  return runs.some(
    (done) =>
      done.stopped !== null &&
      done.scenario === scenario &&
      done.server.name === subject.name &&
      done.server.mode === subject.mode,
  );
}

function nameOf({ subject, scenario, repetition }: Job): string {
  const processes = subject.processes > 1 ? ` (${subject.processes} processes)` : '';
  const name = subject.mode === null ? subject.name : `${subject.name} ${subject.mode}`;
  return `${name}${processes}: ${scenario.name}, ${integer(totalStreams(scenario))} streams, repetition ${repetition}`;
}

function timeLeft(startMs: number, done: number, all: number): string {
  if (done === 0) return '';
  const minutes = (((performance.now() - startMs) / done) * (all - done)) / 60_000;
  return minutes < 1 ? ' (less than a minute left)' : ` (about ${Math.round(minutes)} min left)`;
}
