import { total } from '../load/sums.ts';
import type { RunRecord } from '../results/record.ts';
import type { Flow, Scenario } from '../scenarios/scenario.ts';
import { counted } from './figures.ts';
import { written } from './measures.ts';

type Server = RunRecord['server'];

/** Calls each of these servers by as much as tells it from the others: `dedup` beside `per-connection`, `ssemux` beside `nchan`. */
export function serverLabels(servers: readonly Server[]): (server: Server) => string {
  const names = new Set(servers.map(({ name }) => name));
  const modesOf = (name: string) =>
    new Set(servers.filter((server) => server.name === name).map(({ mode }) => mode));
  return ({ name, mode, processes }) => {
    const severalModes = modesOf(name).size > 1;
    const parts = [
      names.size > 1 || !severalModes || mode === null ? name : null,
      severalModes || names.size === 1 ? mode : null,
      processes > 1 ? `(${processes} processes)` : null,
    ];
    return parts.filter((part) => part !== null).join(' ');
  };
}

/** The load in words; `steps` are the numbers of streams, where there are several. */
export function loadOf(scenario: Scenario, steps: readonly number[]): string {
  const { flows, warmUpSeconds, seconds, storm } = scenario;
  const streams = (flow: Flow) =>
    steps.length > 1 && flows.length === 1
      ? `${steps.slice(0, -1).map(written).join(', ')} and ${written(steps.at(-1)!)} streams`
      : counted(flow.streams, 'stream');
  const loads = flows.map((flow) =>
    [
      `${flows.length > 1 ? `${flow.name}: ` : ''}${streams(flow)} on ${counted(flow.channels, 'channel')}`,
      flow.channelsPerStream > 1 ? `${written(flow.channelsPerStream)} channels each` : '',
      `${written(flow.rate)} ${flow.rate === 1 ? 'message' : 'messages'}/s of ${counted(flow.bytes, 'byte')}`,
      flow.neverRead > 0 ? `${written(flow.neverRead * 100)} % of the streams never read` : '',
      flow.churnPerSecond > 0 ? `${written(flow.churnPerSecond)} streams/s replaced` : '',
    ]
      .filter(Boolean)
      .join(', '),
  );
  if (storm) loads.push('all streams drop and come back at the start');
  const warmUp = warmUpSeconds > 0 ? ` after ${written(warmUpSeconds)} s of warm-up` : '';
  const messages = total(flows, ({ rate }) => Math.round(rate * seconds));
  return `${loads.join('; ')}; ${written(seconds)} s measured${warmUp}: ${counted(messages, 'message')}.`;
}
