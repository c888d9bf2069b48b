/**
 * Connections made from one source address, ever: the kernel looks for a free port among a part of them first, and
 * once a quarter of 28,232 are taken, in TIME_WAIT or in use, every bind searches and opening takes ten times as long.
 */
export const STREAMS_PER_ADDRESS = 4_000;

/** Addresses 127.1.x.x to 127.250.x.x: a block for each client process. */
export function addressBlock(process: number): string {
  return `127.${1 + (process % 250)}`;
}

/** Where the block's connection `n` comes from. */
export function sourceAddress(block: string, n: number): string {
  const address = Math.floor(n / STREAMS_PER_ADDRESS);
  return `${block}.${Math.floor(address / 250) % 250}.${1 + (address % 250)}`;
}
