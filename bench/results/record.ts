import { z } from 'zod';
import { scenario } from '../scenarios/scenario.ts';
import { MODES } from '../servers/mode.ts';

// A results file is JSON Lines: one environment record, then a record for every run, each written as soon as it is
// measured. Reports are derived from it and from nothing else.

/** Raised when a reader of older files would misread newer ones. */
export const FORMAT = 1;

/** HdrHistogram V2, compressed, base64; microseconds; three significant digits. */
const histogram = z.string().min(1);
const number = z.number();
const counts = z.record(z.string(), number);

const environment = z.object({
  record: z.literal('environment'),
  format: z.literal(FORMAT),
  at: z.iso.datetime(),
  /** The command line that made this file. */
  command: z.string(),
  cpu: z.object({ model: z.string(), cores: number, use: z.string() }),
  memoryBytes: number,
  kernel: z.string(),
  /** Limits by the kernel's names for them. */
  limits: z.record(z.string(), z.string()),
  /** Versions by program; those absent are not listed. */
  versions: z.record(z.string(), z.string()),
  commit: z.string(),
  /** 1, 5 and 15 minutes, before anything was started. */
  loadAverage: z.tuple([number, number, number]),
});

const flowResult = z.object({
  name: z.string(),
  /** Events that reached clients within the window. */
  delivered: number,
  received: number,
  latencyUs: histogram,
  lost: number,
  duplicated: number,
  reordered: number,
  misdirected: number,
  malformed: number,
  /** Streams that the server ended, or did not let in again. */
  ended: number,
  /** Streams that left and were replaced, as the scenario says. */
  replaced: number,
  /** Of the streams that never read, those that the server ended, as it should. */
  unreadEnded: number,
});

const measured = z.object({
  /** Length of the window. */
  seconds: number,
  flows: z.array(flowResult),
  publishing: z.object({ sent: number, failed: number, latenessUs: histogram, roundTripUs: histogram }),
  /** CPU time within the window, user and system. */
  cpuUs: z.object({
    server: number,
    valkey: number.nullable(),
    /** The busiest client process. */
    client: number,
    publisher: number,
    /** Everything that is no part of the run. */
    others: number,
    /** All of the run but the server: clients, publisher, Valkey, and the harness. Null: not recorded. */
    shared: number.nullable().default(null),
    /** Taken from this machine by its host. Null: not recorded. */
    stolen: number.nullable().default(null),
  }),
  /** Cores that everything but the server has. Null: not recorded, or the server has none of its own. */
  sharedCores: number.nullable().default(null),
  storm: z
    .object({
      /** From the drop to a stream's next event. */
      backUs: histogram,
      /** From the drop to its first bytes. */
      reconnectUs: histogram,
      refused: counts,
      /** Streams that had not received again when the window ended. */
      gone: number,
      /** CPU time of the busiest client process over the time until all its streams were back, %. Null: not recorded. */
      clientPercent: number.nullable().default(null),
    })
    .nullable(),
});

const run = z.object({
  record: z.literal('run'),
  at: z.iso.datetime(),
  /** The command line that repeats this run alone. */
  repeat: z.string(),
  server: z.object({
    name: z.string(),
    mode: z.enum(MODES).nullable(),
    processes: number,
  }),
  scenario,
  /** 1 for the first. */
  repetition: number,
  opening: z.object({
    wanted: number,
    opened: number,
    seconds: number,
    connectUs: histogram,
    /** Attempts that did not become a stream, by what came instead. */
    refused: counts,
  }),
  /** Which limit kept it from opening all streams: its name, what happened, and what to do. */
  stopped: z
    .object({
      limit: z.string(),
      reason: z.string(),
      fix: z.string(),
      /** Whether it is a ceiling that was to be found, rather than a server that fails. */
      ceiling: z.boolean().default(true),
    })
    .nullable(),
  /** Null for a run that stopped before anything was published. */
  measured: measured.nullable(),
  /** Resident memory of the server's processes: without streams, with `few`, with all, and at the end of the window. */
  memoryKiB: z.object({
    empty: number,
    few: z.object({ streams: number, kib: number }).nullable(),
    open: number,
    end: number.nullable(),
    /** Kernel memory that the streams added: sockets, their buffers, files; of both ends, as the clients are here too. */
    kernelSockets: number,
  }),
  /** The broker with all streams open; connections are the server's. */
  valkey: z
    .object({ connections: number, maxClients: number, usedMemoryKiB: number, residentKiB: number })
    .nullable(),
});

export const resultRecord = z.discriminatedUnion('record', [environment, run]);

export type EnvironmentRecord = z.infer<typeof environment>;
export type RunRecord = z.infer<typeof run>;
export type Measured = z.infer<typeof measured>;
export type FlowResult = z.infer<typeof flowResult>;
export type Stopped = NonNullable<RunRecord['stopped']>;
