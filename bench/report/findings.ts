import { totalEventsPerSecond } from '../load/flow.ts';
import { total } from '../load/sums.ts';
import { comparison, ranking } from './comparison.ts';
import { counted, faults, isOverloaded } from './figures.ts';
import {
  type Group,
  isWeighed,
  largestCommonStep,
  runsOf,
  type Section,
  served,
  spread,
  stoppedRun,
  type Topic,
} from './group.ts';
import { written, writtenAs } from './measures.ts';

export interface Finding {
  /** Name of the scenario, or what else the sentences are about. */
  readonly about: string;
  readonly sentences: readonly string[];
  readonly form: 'prose' | 'list';
  readonly tone: 'fault' | 'doubt' | null;
}

/** What the data says, in sentences: faults first, then every topic's comparison and refusals, then doubts. */
export function findings({ topics }: Section): Finding[] {
  const measured = topics.flatMap(runsOf).filter(({ run }) => run.record.measured !== null);
  const faulty = measured.filter(({ run }) => run.faults.length > 0);
  const doubtful = measured.filter(({ run }) => run.doubts.length > 0);
  const found: Finding[] = [];
  if (faulty.length > 0) {
    const sentences = faulty.map(
      ({ group, run }) =>
        `${group.server}, ${group.scenario.name}, repetition ${run.record.repetition} (line ${run.line}): ${run.faults.join('; ')}.`,
    );
    found.push({ about: 'Faults', sentences, form: sentences.length > 1 ? 'list' : 'prose', tone: 'fault' });
  }
  found.push(...topics.map(aboutTopic));
  if (measured.length > 0 && faulty.length === 0) {
    const received = total(measured, ({ run }) => total(run.record.measured!.flows, (flow) => flow.received));
    const sentence = `Nothing was lost, duplicated, reordered, misdirected or malformed, and no stream that reads was ended, in ${counted(measured.length, 'run')} with ${counted(received, 'received event')}.`;
    found.push({ about: 'Delivery', sentences: [sentence], form: 'prose', tone: null });
  }
  if (doubtful.length > 0) {
    const sentence = `In ${written(doubtful.length)} of ${counted(measured.length, 'run')} something besides the server was busy or late, so that figures, latencies above all, are not the server's alone. The tables give each run's reasons.`;
    found.push({ about: 'In doubt', sentences: [sentence], form: 'prose', tone: 'doubt' });
  }
  return found;
}

function aboutTopic(topic: Topic): Finding {
  const step = largestCommonStep(topic) ?? topic.groups.findLast(served)?.streams;
  const groups = topic.groups.filter((group) => group.streams === step && served(group));
  const weighed = groups.length > 1 ? [] : topic.groups.filter(isWeighed);
  const compared = weighed.length > 0 ? [] : sideBySide(groups);
  if (topic.steps.length > 1 && compared.length > 0) {
    const events = totalEventsPerSecond(groups[0]!.scenario);
    compared[0] = `At ${written(step!)} streams and ${counted(events, 'event')}/s, ${compared[0]}`;
  }
  const sentences = [
    ...compared,
    ...groups.flatMap(overload),
    ...groups.flatMap(unreadStreams),
    ...topic.groups.flatMap(refusal),
    ...weighed.flatMap(weight),
  ];
  return { about: topic.name, sentences, form: groups.length > 2 ? 'list' : 'prose', tone: null };
}

function sideBySide(groups: readonly Group[]): string[] {
  const [first, ...others] = groups;
  if (first === undefined) return [];
  const ours = groups.find(({ runs }) => runs[0]!.record.server.name === 'ssemux') ?? first;
  if (others.length === 0) return alone(first);
  return others.length === 1 ? comparison(ours, groups.find((group) => group !== ours)!) : ranking(groups);
}

function alone(group: Group): string[] {
  const { server, runs } = group;
  const [rate, cpu, p50, p99] = (['eventsPerSecond', 'cpuUsPerEvent', 'p50Ms', 'p99Ms'] as const).map(
    (figure) => median(group, figure),
  );
  const doubt = runs.some(({ doubts }) => doubts.length > 0) ? ', in doubt' : '';
  const back = spread(group, 'backAllMs');
  return [
    ...(back === null
      ? []
      : [`All streams received again ${writtenAs('backAllMs', back.median)} ms after they dropped.`]),
    `${server} delivered ${rate} events/s at ${cpu} us of CPU per event, with latencies of ${p50} ms (p50) and ${p99} ms (p99${doubt}).`,
  ];
}

function weight(group: Group): string[] {
  const all = stoppedRun(group) === undefined;
  const [rate, memory, kernel] = (
    ['opensPerSecond', 'memoryPerStreamKiB', 'kernelPerStreamKiB'] as const
  ).map((figure) => median(group, figure));
  const opened = `${group.server} opened all ${counted(group.streams, 'stream')} at ${rate} streams/s.`;
  const each = `Each stream takes ${memory} KiB of server memory, and ${kernel} KiB of the kernel's for both ends of its connections.`;
  return all ? [opened, each] : [each];
}

function overload({ server, runs }: Group): string[] {
  const overloaded = runs.filter(({ record }) => isOverloaded(record)).length;
  if (overloaded === 0) return [];
  return [
    `${server} is overloaded in ${overloaded} of ${counted(runs.length, 'run')}: less than 95 % of a flow's events came within the window, so its CPU per event compares with nobody's.`,
  ];
}

/** What became of the streams that never read. */
function unreadStreams({ server, scenario, runs }: Group): string[] {
  const unread = total(scenario.flows, (flow) => Math.floor(flow.streams * flow.neverRead));
  if (unread === 0) return [];
  const ended = runs.map(({ record }) => total(record.measured?.flows ?? [], (flow) => flow.unreadEnded));
  return [`Of ${counted(unread, 'stream')} that never read, ${server} ended ${ended.join(', then ')}.`];
}

function refusal(group: Group): string[] {
  const run = stoppedRun(group);
  if (run === undefined) return [];
  const { limit, fix } = run.record.stopped!;
  const held =
    run.record.measured !== null && faults(run.record).length === 0
      ? ', and served those without a fault'
      : '';
  return [
    `${group.server} opened ${written(run.figures.opened)} of ${counted(group.streams, 'stream')}${held}; the limit was ${limit}. To go further: ${fix}.`,
  ];
}

function median(group: Group, figure: Parameters<typeof spread>[1]): string {
  const value = spread(group, figure);
  return value === null ? 'an unknown number of' : writtenAs(figure, value.median);
}
