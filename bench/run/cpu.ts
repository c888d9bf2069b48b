import { total } from '../load/sums.ts';
import type { Measured } from '../results/record.ts';
import type { Server } from '../servers/server.ts';
import { cpuTimes, othersUs, stolenUs } from '../system/proc.ts';

/** CPU time between two moments, of everyone who takes part. */
export class CpuMeter {
  private readonly server: Server;
  private readonly clientPids: readonly number[];
  private readonly publisherPid: number;
  private readonly stolenBefore = stolenUs();
  private readonly before = cpuTimes();

  constructor(server: Server, clientPids: readonly number[], publisherPid: number) {
    this.server = server;
    this.clientPids = clientPids;
    this.publisherPid = publisherPid;
  }

  /** us since the meter was made. */
  read(): Measured['cpuUs'] {
    const { server, clientPids, publisherPid, before } = this;
    const after = cpuTimes();
    const stolen = stolenUs() - this.stolenBefore;
    if (!server.pids.every((pid) => after.has(pid))) throw new Error(`${server.name} ended while measured`);
    const used = (pid: number) => after.get(pid)!.own - before.get(pid)!.own;
    const valkeyPids = server.valkey === null ? [] : [server.valkey.pid];
    const besides = [...clientPids, ...valkeyPids, publisherPid, process.pid];
    return {
      server: total(server.pids, used),
      valkey: server.valkey === null ? null : used(server.valkey.pid),
      client: Math.max(...clientPids.map(used)),
      publisher: used(publisherPid),
      others: othersUs(before, after, [...server.pids, ...besides]),
      shared: total(besides, used),
      stolen,
    };
  }
}
