// Which address a stream comes from. Left alone, the kernel takes 127.0.0.1 and finds a port while connecting, which is
// quick until half of the ephemeral ports are taken for one server port. A socket bound to an address of its own takes its
// port before, from among all that is bound on the machine: that search costs more with every stream. So only streams
// past the first thousands of a server port are bound, to further addresses.

/** Streams of one server port that come from 127.0.0.1: fewer than half of the 28,232 ephemeral ports. */
export const UNBOUND_STREAMS = 12_000;

/** Connections made from one further address, ever, as ports stay in TIME_WAIT: a part of which the search is still quick. */
export const STREAMS_PER_ADDRESS = 4_000;

/** Addresses 127.1.x.x to 127.250.x.x: a block for each client process. */
export function addressBlock(process: number): string {
  return `127.${1 + (process % 250)}`;
}

/** Where the block's bound connection `n` comes from. */
export function boundAddress(block: string, n: number): string {
  const address = Math.floor(n / STREAMS_PER_ADDRESS);
  return `${block}.${Math.floor(address / 250) % 250}.${1 + (address % 250)}`;
}
