import { counted } from '../report/figures.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { MODES } from '../servers/mode.ts';
import { ssemux } from '../servers/subject.ts';
import { command } from './command.ts';
import { decimal, integer, integers } from './flags.ts';
import { fromFlags } from './load.ts';
import { measure, repetitions, resultsFlag } from './session.ts';

export const compare = command({
  name: 'compare',
  summary:
    'Dedup against per-connection, step by step up in clients: what sharing Valkey subscriptions buys.',
  details: `
At each step the modes take turns (A B A B), so that a machine that changes its speed changes it for both. Medians and
spread are in the report. Beyond a mode's ceiling its refusal is shown, with the limit that caused it.`,
  flags: {
    clients: integers('steps: numbers of SSE streams', { min: 1, max: 1_000_000 }, [1_000, 5_000, 9_000]),
    channels: integers('numbers of channels; every step is made with each', { min: 1, max: 999_999 }, [1]),
    rate: decimal('messages per second on each channel', { min: 0.01, max: 10_000 }, 2),
    size: integer('bytes of data in a message', { min: 34, max: 1_000_000 }, 200),
    duration: decimal('seconds measured', { min: 1, max: 3_600 }, 10),
    repeat: integer('times to measure each step', { min: 1, max: 100 }, 3),
    ...resultsFlag,
  },
  async run({ values, args }) {
    const { clients, channels, duration, repeat, size, rate: perChannel } = values;
    const steps = channels.flatMap((count) => clients.map((streams) => ({ streams, channels: count })));
    const jobs = steps.flatMap((step) => {
      const rate = perChannel * step.channels;
      const scenario = stepOf({ ...step, rate, size, duration });
      return repetitions(repeat).flatMap((repetition) =>
        MODES.map((mode) => ({
          subject: ssemux(mode),
          scenario,
          repeat: [
            'latency',
            ...['--clients', step.streams, '--channels', step.channels, '--rate', rate, '--size', size].map(
              String,
            ),
            ...['--mode', mode, '--duration', String(duration)],
          ],
          repetition,
        })),
      );
    });
    return measure(['compare', ...args], jobs, values.results);
  },
});

function stepOf(of: {
  streams: number;
  channels: number;
  rate: number;
  size: number;
  duration: number;
}): Scenario {
  const { streams, channels, rate, size, duration } = of;
  return fromFlags({
    name: 'compare',
    summary: `${counted(streams, 'stream')} on ${counted(channels, 'channel')}, ${rate} messages/s`,
    flows: [{ name: 'compare', channels, streams, rate, bytes: size }],
    seconds: duration,
  });
}
