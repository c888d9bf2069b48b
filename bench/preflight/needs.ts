import { UNBOUND_STREAMS } from '../load/addresses.ts';
import { integer } from '../terminal/table.ts';
import type { Check } from './check.ts';
import * as costs from './costs.ts';
import { memoryFix, openFilesFix, portsFix, sysctlFix, tcpMemFix } from './fixes.ts';
import type { Limits, Stock } from './limits.ts';

/** Connections that a client process has on their way at a time. */
const CONNECTING = 200;
/** uWebSockets.js listens with this, so that a larger net.core.somaxconn changes nothing for it. */
const BACKLOG = 512;
const ROOMY_BACKLOG = 4096;
/** One for the server under test, and one for all else. */
const CORES = 2;

/** What the load needs, beside what this machine has. Pure. */
export function needs(demand: costs.Demand, limits: Limits): Check[] {
  const { streams, mode, serverProcesses, clientProcesses } = demand;
  const { openFiles, systemFiles, ports, tcpPages, conntrack } = limits;
  const perClient = Math.ceil(streams / clientProcesses);
  const serverFiles = costs.filesNeeded(Math.ceil(streams / serverProcesses), mode);
  // Connecting is quick as long as every other port is free.
  const fromOneAddress = 2 * Math.min(UNBOUND_STREAMS, Math.ceil(streams / serverProcesses));
  const clientFiles = costs.clientFilesNeeded(perClient);
  const waiting = Math.min(BACKLOG, CONNECTING * clientProcesses);
  const moreProcesses = `or --workers ${costs.serverProcessesFor(streams, mode, openFiles.hard)}`;

  const server = {
    ...amount('open files of a server process', openFiles.hard, serverFiles, () =>
      [openFilesFix(serverFiles, openFiles), ...(mode === null ? [] : [moreProcesses])].join('\n'),
    ),
    stops: false,
  };
  const clients = [
    amount('open files of a client process', openFiles.hard, clientFiles, () =>
      openFilesFix(clientFiles, openFiles),
    ),
    amount('ports of a source address', ports, fromOneAddress, () => portsFix(fromOneAddress)),
  ];
  const machine = [
    stock('fs.file-max', systemFiles, costs.systemFilesNeeded(demand), (files) =>
      sysctlFix('fs.file-max', files),
    ),
    stock('net.ipv4.tcp_mem, pages', tcpPages, costs.tcpPagesNeeded(demand), tcpMemFix),
    stock('nf_conntrack_max', conntrack, streams * costs.connectionsPerStream(mode), (connections) =>
      sysctlFix('net.netfilter.nf_conntrack_max', connections),
    ),
    memory(costs.memoryNeeded(demand), limits),
  ];
  const quality = [
    backlog('net.core.somaxconn', limits.somaxconn, waiting),
    backlog('net.ipv4.tcp_max_syn_backlog', limits.synBacklog, waiting),
    amount(
      'CPU cores',
      limits.cores,
      CORES,
      () => 'a machine with more: here the server waits for its clients',
    ),
  ].map((check) => ({ ...check, stops: false }));
  const toValkey = amount('ports to Valkey', ports, streams, () => portsFix(streams));
  return [
    server,
    ...clients,
    ...(mode === 'per-connection' ? [{ ...toValkey, stops: false }] : []),
    ...machine,
    ...quality,
  ];
}

/** `fix` is asked for where it is short only. */
export function amount(name: string, here: number, need: number, fix: () => string, show = count): Check {
  const enough = here >= need;
  return { name, here: show(here), need: show(need), enough, fix: enough ? '' : fix(), stops: true };
}

/** Of what others use too, the rest counts; the setting that gives enough is for all of them. */
function stock(name: string, { most, used }: Stock, need: number, fix: (most: number) => string): Check {
  return amount(name, most - used, need, () => fix(used + need));
}

function backlog(name: string, here: number, need: number): Check {
  return amount(name, here, need, () => sysctlFix(name, ROOMY_BACKLOG));
}

function memory(need: number, { memory: { available, byGroup } }: Limits): Check {
  const name = byGroup ? 'memory left by the control group' : 'memory available';
  return amount(name, available, need, () => memoryFix(need, byGroup), mebibytes);
}

function count(value: number): string {
  return value === Infinity ? 'unlimited' : integer(value);
}

export function mebibytes(bytes: number): string {
  return bytes === Infinity ? 'unlimited' : `${integer(bytes / 2 ** 20)} MiB`;
}
