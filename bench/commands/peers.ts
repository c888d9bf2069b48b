import { SCENARIOS } from '../scenarios/catalogue.ts';
import { PEER_NAMES, peerSubjects, ssemux } from '../servers/subject.ts';
import { command } from './command.ts';
import { choices, decimal, integer } from './flags.ts';
import { named } from './load.ts';
import { measure, repetitions, resultsFlag } from './session.ts';

const OURS = 'ssemux';

export const peers = command({
  name: 'peers',
  summary: 'The same scenarios for ssemux and for what a user would pick instead, in the same run.',
  details: `
Same clients, same schedule, same payload, one core each. Servers that are not installed are left out, and named.
bench/peers has their configurations. Faults of a peer are shown; only those of ssemux make the exit code 1.`,
  flags: {
    scenarios: choices('scenarios', SCENARIOS, ['fanout', 'channels', 'mixed', 'storm']),
    servers: choices('servers', [OURS, ...PEER_NAMES], [OURS, ...PEER_NAMES]),
    duration: decimal('seconds measured; default: as each scenario says', { min: 1, max: 3_600 }, null),
    repeat: integer('times to measure each', { min: 1, max: 100 }, 1),
    ...resultsFlag,
  },
  async run({ values, args }) {
    const { found, missing } = peerSubjects(values.servers);
    for (const reason of missing) console.log(`left out: ${reason}`);
    const subjects = [...(values.servers.includes(OURS) ? [ssemux('dedup')] : []), ...found];
    const duration = values.duration === null ? [] : ['--duration', String(values.duration)];
    const jobs = values.scenarios.flatMap((name) => {
      const scenario = named(name, values.duration);
      return repetitions(values.repeat).flatMap((repetition) =>
        subjects.map((subject) => ({
          subject,
          scenario,
          repeat: ['peers', '--scenarios', name, '--servers', subject.name, ...duration],
          repetition,
        })),
      );
    });
    return measure(['peers', ...args], jobs, values.results, ({ name }) => name !== OURS);
  },
});
