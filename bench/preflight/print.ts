import type { Program } from '../system/versions.ts';
import { integer, table } from '../terminal/table.ts';
import { type Check, describe } from './check.ts';

/** Every check as a line, and below them what to do about those that are short. */
export function checksText(checks: readonly Check[], streams: number): string {
  const rows = checks.map(({ name, here, need, enough }) => ({
    'what is checked': name,
    here,
    [`${integer(streams)} streams need`]: need,
    '': enough ? 'ok' : 'short',
  }));
  const short = checks.filter(({ enough }) => !enough);
  if (short.length === 0) return table(rows);
  return [table(rows), '', 'Short, and how to change that:', ...short.map(describe)].join('\n');
}

export function programsText(programs: readonly Program[]): string {
  const width = Math.max(...programs.map(({ name }) => name.length));
  const lines = programs.map(({ name, version, use, install }) => {
    const found = version ?? `missing (${use}); to get it: ${install}`;
    return `${name.padEnd(width)}  ${found}`;
  });
  return lines.join('\n');
}
