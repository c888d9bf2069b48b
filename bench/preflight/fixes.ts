import type { OpenFiles } from './limits.ts';

/** No command helps past these: ports 1 to 1023 are kept for root's servers. */
const PORTS_FROM = 1024;
const PORTS_TO = 65_535;

/** The command for more open files per process; run in the shell that then runs the bench. */
export function openFilesFix(files: number, openFiles: OpenFiles): string {
  const wanted = Math.max(65_536, roundUp(files));
  const first = wanted > openFiles.most ? `${sysctlFix('fs.nr_open', wanted)}\n` : '';
  if (openFiles.raisable) return `${first}ulimit -n ${wanted}`;
  const line = `echo '* - nofile ${wanted}' | sudo tee /etc/security/limits.d/90-ssemux.conf`;
  return `${first}${line}   # and log in again; for a container: docker run --ulimit nofile=${wanted}`;
}

export function sysctlFix(name: string, value: number | string): string {
  return `sysctl -w ${name}=${typeof value === 'number' ? roundUp(value) : `"${value}"`}`;
}

export function portsFix(ports: number): string {
  const all = PORTS_TO - PORTS_FROM + 1;
  if (ports > all) return `fewer of them: one address has ${all} ports at most`;
  return sysctlFix('net.ipv4.ip_local_port_range', `${PORTS_FROM} ${PORTS_TO}`);
}

/** The kernel begins to save memory at the second figure, and refuses at the third. */
export function tcpMemFix(pages: number): string {
  const most = roundUp(pages);
  return sysctlFix('net.ipv4.tcp_mem', `${most / 2} ${(most / 4) * 3} ${most}`);
}

/** No setting gives memory, but for a container's. */
export function memoryFix(bytes: number, byGroup: boolean): string {
  const gib = roundUp(Math.max(1, bytes / 2 ** 30));
  return byGroup
    ? `a larger limit: docker run --memory ${gib}g`
    : `end other programs, or a machine with ${gib} GiB`;
}

/** To the next power of two: room for the next step, too. */
function roundUp(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
