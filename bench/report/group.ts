import { total } from '../load/sums.ts';
import type { Results } from '../results/file.ts';
import type { EnvironmentRecord, RunRecord } from '../results/record.ts';
import type { Flow, Scenario } from '../scenarios/scenario.ts';
import { counted, doubts, type Figure, type Figures, faults, figures } from './figures.ts';
import { serverLabels } from './label.ts';

// File -> topics -> groups -> runs. Nothing is put beside anything of another file: figures of different days or
// machines differ by more than servers do.

export interface Run {
  readonly record: RunRecord;
  /** Where in the results file it stands. */
  readonly line: number;
  readonly figures: Figures;
  readonly faults: readonly string[];
  readonly doubts: readonly string[];
}

/** The repetitions of one server under one load. */
export interface Group {
  readonly server: string;
  /** The same for the same server throughout a report, from 0. */
  readonly colour: number;
  readonly scenario: Scenario;
  readonly streams: number;
  readonly runs: readonly Run[];
}

/** What can be put side by side: one load for several servers, or for several numbers of streams, or both. */
export interface Topic {
  readonly name: string;
  readonly groups: readonly Group[];
  readonly servers: readonly string[];
  /** Numbers of streams, ascending. */
  readonly steps: readonly number[];
}

export interface Section {
  readonly file: string;
  readonly environment: EnvironmentRecord;
  readonly topics: readonly Topic[];
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export function sections(results: readonly Results[]): Section[] {
  const colours = new Map<string, number>();
  return results.map(({ file, environment, runs: records }) => {
    const label = serverLabels(records.map(({ server }) => server));
    const runs = records.map((record, i) => ({
      record,
      line: i + 2, // the environment is line 1
      figures: figures(record),
      faults: faults(record),
      doubts: doubts(record),
    }));
    const topics = by(runs, ({ record }) => topicKey(record.scenario)).map((all) =>
      topic(
        by(all, ({ record }) => JSON.stringify([record.server, record.scenario])).map((repetitions) => {
          const { server, scenario } = repetitions[0]!.record;
          const identity = JSON.stringify(server);
          if (!colours.has(identity)) colours.set(identity, colours.size);
          const { streams } = repetitions[0]!.figures;
          return {
            server: label(server),
            colour: colours.get(identity)!,
            scenario,
            streams,
            runs: repetitions,
          };
        }),
      ),
    );
    return { file, environment, topics: distinctlyNamed(topics) };
  });
}

/** Topics of one name are told apart by their numbers of channels. */
function distinctlyNamed(topics: readonly Topic[]): Topic[] {
  return topics.map((topic) => {
    if (topics.filter(({ name }) => name === topic.name).length === 1) return topic;
    const channels = total(topic.groups[0]!.scenario.flows, (flow) => flow.channels);
    return { ...topic, name: `${topic.name}, ${counted(channels, 'channel')}` };
  });
}

function topic(groups: readonly Group[]): Topic {
  const servers = [...new Set(groups.map(({ server }) => server))];
  return {
    name: groups[0]!.scenario.name,
    groups: groups.toSorted(
      (a, b) => a.streams - b.streams || servers.indexOf(a.server) - servers.indexOf(b.server),
    ),
    servers,
    steps: [...new Set(groups.map(({ streams }) => streams))].toSorted((a, b) => a - b),
  };
}

/** The same for loads that differ in nothing but how many streams there are. */
function topicKey({ summary: _, flows, ...rest }: Scenario): string {
  const withoutStreams = flows.map(({ streams: _, ...flow }: Flow) => flow);
  return JSON.stringify({ ...rest, flows: withoutStreams });
}

function by<Item>(items: readonly Item[], key: (item: Item) => string): Item[][] {
  return [...Map.groupBy(items, key).values()];
}

/** Over the repetitions that have the figure; null where none has. */
export function spread({ runs }: Group, figure: Figure): Spread | null {
  const values = runs.flatMap(({ figures }) => figures[figure] ?? []).toSorted((a, b) => a - b);
  if (values.length === 0) return null;
  const upper = values[Math.floor(values.length / 2)]!;
  const lower = values[Math.ceil(values.length / 2) - 1]!;
  return { median: (lower + upper) / 2, min: values[0]!, max: values.at(-1)!, count: values.length };
}

/** The repetition that a limit stopped, if one was. */
export function stoppedRun({ runs }: Group): Run | undefined {
  return runs.find(({ record }) => record.stopped !== null);
}

/** Whether memory was weighed with care: opening streams is what such a group is about. */
export function isWeighed({ runs }: Group): boolean {
  return runs.some(({ record }) => record.memoryKiB.few !== null);
}

/** Whether all streams were open and the window was measured, in every repetition. */
export function served(group: Group): boolean {
  return group.runs.every(({ record }) => record.stopped === null && record.measured !== null);
}

/** The largest number of streams that every server of the topic served. */
export function largestCommonStep({ servers, steps, groups }: Topic): number | null {
  const common = steps.filter((step) =>
    servers.every((server) =>
      groups.some((group) => group.server === server && group.streams === step && served(group)),
    ),
  );
  return common.at(-1) ?? null;
}

export interface Placed {
  readonly group: Group;
  readonly run: Run;
}

export function runsOf({ groups }: Topic): Placed[] {
  return groups.flatMap((group) => group.runs.map((run) => ({ group, run })));
}
