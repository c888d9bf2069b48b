import autocannon from 'autocannon';
import type { Measured } from '../../bench/results/record.ts';
import { CpuMeter } from '../../bench/run/cpu.ts';
import type { Server } from '../../bench/servers/server.ts';
import type { Target } from './targets.ts';

export interface Fired {
  /** CPU time of everyone in the window; autocannon's, which runs in this process, as `publisher`. */
  readonly cpuUs: Measured['cpuUs'];
  /** Length of the window. */
  readonly seconds: number;
  /** As autocannon gives it: latencies in whole milliseconds. */
  readonly result: autocannon.Result;
}

/** A share of the time, and at most this long, is fired beforehand: compilers and connections to Valkey are then warm. */
const WARM_UP = { share: 0.2, most: 2 };
/** Against a server that is gone, autocannon connects again at once, for ever. */
const MOST_ERRORS = 1_000;

/** Every connection sends its next request when it has the answer to its last. `bystanders` hold the idle streams. */
export async function fire(
  target: Target,
  server: Server,
  seconds: number,
  bystanders: readonly number[] = [],
): Promise<Fired> {
  const options: autocannon.Options = {
    ...target.request,
    title: target.name,
    url: `http://127.0.0.1:${server.ports[0]}${target.path}`,
    connections: target.connections,
    pipelining: 1,
    expectBody: target.answer,
    bailout: MOST_ERRORS,
  };
  const warmUp = Math.min(WARM_UP.most, seconds * WARM_UP.share);
  await autocannon({ ...options, duration: warmUp, sampleInt: 100 }); // it stops only when it has taken a sample

  const meter = new CpuMeter(server, [process.pid, ...bystanders], process.pid);
  const result = await autocannon({ ...options, duration: seconds });
  return {
    cpuUs: meter.read(),
    seconds: (result.finish.getTime() - result.start.getTime()) / 1_000,
    result,
  };
}
