import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type EnvironmentRecord, type RunRecord, resultRecord } from './record.ts';

export interface Results {
  readonly file: string;
  readonly environment: EnvironmentRecord;
  readonly runs: readonly RunRecord[];
}

/**
 * Appends records to a results file, named after the time and what was done, each at once: what was measured survives
 * whatever happens next.
 */
export class ResultsFile<Run> {
  readonly path: string;
  /** Goes before the first run: a command that measures nothing leaves no file. */
  private environment: EnvironmentRecord | null;

  constructor(folder: string, name: string, environment: EnvironmentRecord) {
    const stamp = environment.at.replaceAll(/[:.]/g, '-').replace('Z', '');
    this.path = join(folder, `${stamp}-${name}.jsonl`);
    this.environment = environment;
    mkdirSync(folder, { recursive: true });
  }

  append(run: Run): void {
    const records = this.environment === null ? [run] : [this.environment, run];
    appendFileSync(this.path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    this.environment = null;
  }
}

/**
 * A last line without its end is that of a command that was interrupted while it wrote, and is left out.
 * @throws a sentence that names file, line and field of what is not as it should be
 */
export function readResults(file: string): Results {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const records = lines.map((line, i) => parseRecord(line, `${file}:${i + 1}`));
  const [environment, ...runs] = records;
  if (environment?.record !== 'environment') throw new Error(`${file}: begins with no environment record`);
  if (runs.length === 0) throw new Error(`${file}: holds no run; was the command interrupted?`);
  return {
    file,
    environment,
    runs: runs.map((record, i) => {
      if (record.record === 'run') return record;
      throw new Error(`${file}:${i + 2}: a second environment record; one file is one command's`);
    }),
  };
}

function parseRecord(line: string, where: string): EnvironmentRecord | RunRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${where}: not JSON`);
  }
  const parsed = resultRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${where}: no result record of ssemux' bench\n${z.prettifyError(parsed.error)}`);
}
