import type { EnvironmentRecord } from '../results/record.ts';
import { written } from './measures.ts';

/** The machine and the programs that a file's figures were measured with, as names and values. */
export function environmentLines(environment: EnvironmentRecord): [name: string, value: string][] {
  const { at, cpu, memoryBytes, kernel, limits, versions, commit, loadAverage } = environment;
  const pairs = (of: Readonly<Record<string, string>>) =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return [
    ['begun', at],
    ['commit', commit],
    ['CPU', `${cpu.model}, ${cpu.cores} cores: ${cpu.use}`],
    ['memory', `${written(memoryBytes / 2 ** 30)} GiB`],
    ['kernel', kernel],
    ['versions', pairs(versions)],
    ['limits', pairs(limits)],
    ['load average before', loadAverage.map((load) => load.toFixed(2)).join(', ')],
  ];
}
