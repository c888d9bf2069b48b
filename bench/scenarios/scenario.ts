import { z } from 'zod';
import { MARKER_BYTES, MOST_CHANNELS } from '../load/marker.ts';

const count = z.int().min(1);
const name = z.string().regex(/^[a-z0-9-]+$/, 'lower-case letters, digits and hyphens');

/** Channels that are alike, the streams that listen to them, and how much is published on them. */
const flowSchema = z
  .strictObject({
    name,
    channels: count.max(MOST_CHANNELS),
    streams: count,
    /** Stream i listens to this many channels in a row, beginning with channel i modulo `channels`. */
    channelsPerStream: count.default(1),
    /** Messages per second over all channels, in turn. */
    rate: z.number().positive(),
    /** Length of each message's data. */
    bytes: count.min(MARKER_BYTES).default(200),
    /** Share of the streams that are opened and never read, spread evenly. What they get is not looked at. */
    neverRead: z.number().min(0).max(0.99).default(0),
    /** Streams per second that leave and are replaced by new ones. */
    churnPerSecond: z.number().min(0).default(0),
  })
  .refine((flow) => flow.channelsPerStream <= flow.channels, {
    path: ['channelsPerStream'],
    error: 'not more than there are channels',
  });

/** A load, as a value: what a file in this folder holds, or flags make. Holds no logic. */
export const scenario = z
  .strictObject({
    name,
    /** One line for people: what is done, and what to look at. */
    summary: z.string().min(1),
    flows: z.array(flowSchema).min(1),
    /** The flow whose latency is the result; by default the first. */
    headline: name.optional(),
    /** Published before the window, so that compilers, buffers and connections are warm in it. */
    warmUpSeconds: z.number().min(0).max(600).default(2),
    /** Length of the window that is measured. */
    seconds: z.number().min(1).max(3600).default(10),
    /** All streams drop and come back at once, at the start of the window. Not together with churn. */
    storm: z.boolean().default(false),
  })
  .refine(({ flows, headline }) => headline === undefined || flows.some((flow) => flow.name === headline), {
    path: ['headline'],
    error: 'the name of one of the flows',
  })
  .refine(({ flows }) => new Set(flows.map((flow) => flow.name)).size === flows.length, {
    path: ['flows'],
    error: 'each with a name of its own',
  })
  .refine(({ storm, flows }) => !storm || flows.every(({ churnPerSecond }) => churnPerSecond === 0), {
    path: ['storm'],
    error: 'not together with churnPerSecond',
  })
  .refine(({ flows, seconds }) => flows.every(({ rate }) => Math.round(rate * seconds) >= 1), {
    path: ['seconds'],
    error: 'long enough for a message of every flow at its rate',
  });

export type Scenario = z.infer<typeof scenario>;
export type ScenarioInput = z.input<typeof scenario>;
export type Flow = z.infer<typeof flowSchema>;

/** Of what flags say. @throws a sentence that names each field that is not as it should be */
export function makeScenario(input: ScenarioInput): Scenario {
  const parsed = scenario.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new Error(z.prettifyError(parsed.error));
}
