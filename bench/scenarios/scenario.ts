import type { Row } from '../report/table.ts';
import type { RunResult } from '../run/result.ts';
import type { Mode } from '../servers/gateway.ts';
import type { Server } from '../servers/server.ts';

export interface Target {
  readonly text: string;
  readonly met: boolean;
}

export interface Outcome {
  readonly rows: readonly Row[];
  readonly runs: readonly RunResult[];
  readonly targets: readonly Target[];
}

/** What a scenario may use: servers, one at a time, each ended before the next begins. */
export interface Bench {
  readonly seconds: number;
  gateway<T>(mode: Mode, use: (server: Server) => Promise<T>): Promise<T>;
  /** Null where nchan is not installed or not wanted. */
  nchan<T>(use: (server: Server) => Promise<T>): Promise<T | null>;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Open files that one of its processes needs. */
  readonly openFiles: number;
  run(bench: Bench): Promise<Outcome>;
}
