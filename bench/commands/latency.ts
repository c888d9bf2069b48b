import { counted } from '../report/figures.ts';
import { MODES } from '../servers/mode.ts';
import { ssemux } from '../servers/subject.ts';
import { command } from './command.ts';
import { choice, decimal, integer } from './flags.ts';
import { fromFlags } from './load.ts';
import { measure, repetitions, resultsFlag } from './session.ts';

export const latency = command({
  name: 'latency',
  summary:
    'Publishes on a fixed schedule to one set of channels, and measures the delay until each client has it.',
  details: `
Open loop: messages are due at fixed times and carry them, so a server or publisher that stalls shows as latency.
Every event is checked: one lost, repeated, reordered or sent to the wrong stream makes the exit code 1.`,
  flags: {
    clients: integer('SSE streams', { min: 1, max: 1_000_000 }, 5_000),
    channels: integer('channels; stream i listens to channel i modulo this', { min: 1, max: 999_999 }, 1),
    rate: decimal('messages per second, over all channels in turn', { min: 0.01, max: 1_000_000 }, 20),
    size: integer('bytes of data in a message', { min: 34, max: 1_000_000 }, 200),
    mode: choice('mode of the gateway', MODES, 'dedup'),
    workers: integer('gateway processes side by side', { min: 1, max: 256 }, 1),
    'warm-up': decimal('seconds published before the measurement', { min: 0, max: 600 }, 2),
    duration: decimal('seconds measured', { min: 1, max: 3_600 }, 10),
    repeat: integer('times to measure', { min: 1, max: 100 }, 1),
    ...resultsFlag,
  },
  async run({ values, args }) {
    const scenario = fromFlags({
      name: 'latency',
      summary: `${counted(values.clients, 'stream')} on ${counted(values.channels, 'channel')}, ${values.rate} messages/s`,
      flows: [
        {
          name: 'latency',
          channels: values.channels,
          streams: values.clients,
          rate: values.rate,
          bytes: values.size,
        },
      ],
      warmUpSeconds: values['warm-up'],
      seconds: values.duration,
    });
    const subject = ssemux(values.mode, values.workers);
    const { results: _, repeat, ...load } = values;
    const flags = Object.entries(load).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const jobs = repetitions(repeat).map((repetition) => ({
      subject,
      scenario,
      repeat: ['latency', ...flags],
      repetition,
    }));
    return measure(['latency', ...args], jobs, values.results);
  },
});
