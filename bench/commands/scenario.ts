import { readScenario, SCENARIOS } from '../scenarios/catalogue.ts';
import { MODES } from '../servers/mode.ts';
import { ssemux } from '../servers/subject.ts';
import { command } from './command.ts';
import { choice, decimal, integer, UsageError } from './flags.ts';
import { named } from './load.ts';
import { measure, repetitions, resultsFlag } from './session.ts';

export const scenario = command({
  name: 'scenario',
  summary: 'Measures the gateway under a load that a file describes.',
  positionals: '<name or file.json>...',
  get details() {
    const lines = SCENARIOS.map((name) => `  ${name.padEnd(10)} ${readScenario(name).summary}`);
    return `
${lines.join('\n')}

The files are in bench/scenarios; bench/scenarios/scenario.ts says what may stand in one.`;
  },
  flags: {
    mode: choice('mode of the gateway', MODES, 'dedup'),
    workers: integer('gateway processes side by side', { min: 1, max: 256 }, 1),
    duration: decimal('seconds measured; default: as the file says', { min: 1, max: 3_600 }, null),
    repeat: integer('times to measure', { min: 1, max: 100 }, 1),
    ...resultsFlag,
  },
  async run({ values, positionals, args }) {
    if (positionals.length === 0) throw new UsageError(`which? ${SCENARIOS.join(', ')}, or a file`);
    const scenarios = positionals.map((name) => ({ name, scenario: named(name, values.duration) }));
    const subject = ssemux(values.mode, values.workers);
    const jobs = scenarios.flatMap(({ name, scenario }) =>
      repetitions(values.repeat).map((repetition) => ({
        subject,
        scenario,
        repeat: [
          'scenario',
          name,
          ...['--mode', values.mode, '--workers', String(values.workers)],
          ...(values.duration === null ? [] : ['--duration', String(values.duration)]),
        ],
        repetition,
      })),
    );
    return measure(['scenario', ...args], jobs, values.results);
  },
});
