import { readLimits } from '../preflight/limits.ts';
import { plan } from '../preflight/plan.ts';
import { counted } from '../report/figures.ts';
import { MODES } from '../servers/mode.ts';
import { ssemux } from '../servers/subject.ts';
import { command } from './command.ts';
import { choice, decimal, integer } from './flags.ts';
import { fromFlags } from './load.ts';
import { measure, resultsFlag } from './session.ts';

/** What each channel gets, so that delivery to every stream is seen, each once and in order. */
const MESSAGES = 3;

export const capacity = command({
  name: 'capacity',
  summary:
    'Opens streams until they are N or a limit is hit, holds them, weighs them, and verifies delivery to each.',
  details: `
Reports connect rate and connect latency, memory per stream of the gateway and of the kernel's sockets, connections and
memory of Valkey. Where a limit is hit before N, it is named, and the streams that did open are verified.`,
  flags: {
    clients: integer('SSE streams to open', { min: 1, max: 1_000_000 }, 15_000),
    channels: integer('channels; stream i listens to channel i modulo this', { min: 1, max: 999_999 }, 1),
    mode: choice('mode of the gateway', MODES, 'dedup'),
    workers: integer(
      'gateway processes side by side; default: as many as their open-files limit asks for',
      { min: 1, max: 256 },
      null,
    ),
    ramp: decimal(
      'streams opened per second at most; default: as fast as they are accepted',
      { min: 1, max: 1e6 },
      null,
    ),
    duration: decimal('seconds in which every channel gets messages', { min: 1, max: 3_600 }, 10),
    ...resultsFlag,
  },
  async run({ values, args }) {
    const { clients, channels, mode, duration } = values;
    const rate = (MESSAGES * channels) / duration;
    const scenario = fromFlags({
      name: 'capacity',
      summary: `${counted(clients, 'stream')} on ${counted(channels, 'channel')}, nearly idle`,
      flows: [{ name: 'capacity', channels, streams: clients, rate }],
      warmUpSeconds: 0,
      seconds: duration,
    });
    const demand = {
      streams: clients,
      eventsPerSecond: 0,
      mode,
      serverProcesses: values.workers ?? ('auto' as const),
    };
    const { serverProcesses } = plan(demand, readLimits());
    const job = {
      subject: ssemux(mode, serverProcesses),
      scenario,
      repeat: ['capacity', ...args],
      repetition: 1,
      ramp: values.ramp,
      weigh: true,
      holdWhatOpened: true,
    };
    return measure(['capacity', ...args], [job], values.results);
  },
});
