import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { type EnvironmentRecord, type RunRecord, resultRecord } from './record.ts';

export interface Results {
  readonly file: string;
  readonly environment: EnvironmentRecord;
  readonly runs: readonly RunRecord[];
}

/** Appends records to a results file, each at once: what was measured survives whatever happens next. */
export class ResultsFile {
  readonly path: string;

  constructor(path: string, environment: EnvironmentRecord) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.append(environment);
  }

  append(record: EnvironmentRecord | RunRecord): void {
    appendFileSync(this.path, `${JSON.stringify(record)}\n`);
  }
}

/** Throws a sentence that names file, line and field of what is not as it should be. */
export function readResults(file: string): Results {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const records = lines.map((line, i) => parseRecord(line, `${file}:${i + 1}`));
  const [environment, ...runs] = records;
  if (environment?.record !== 'environment') throw new Error(`${file}: begins with no environment record`);
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
    throw new Error(`${where}: not JSON; was the command that wrote it interrupted?`);
  }
  const parsed = resultRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${where}: no result record of ssemux' bench\n${z.prettifyError(parsed.error)}`);
}
