import type { Stopped } from '../results/record.ts';

/** What was seen when a server let no further stream in. */
export interface Evidence {
  /** Attempts by what the clients got instead. */
  readonly refused: Readonly<Record<string, number>>;
  /** Streams the server says it did not open, by its own reasons. */
  readonly rejections: Readonly<Record<string, number>>;
  readonly valkey: { readonly maxClients: number; readonly rejectedConnections: number } | null;
  readonly openFiles: number;
}

/** The limit that was hit, in words, from the surest sign to the least. */
export function ceiling({ refused, rejections, valkey, openFiles }: Evidence): Stopped {
  const files = openFiles.toLocaleString('en-US');
  if (refused.EMFILE) {
    return {
      limit: 'open files (load client)',
      reason: `A client process may have ${files} files open.`,
      fix: 'ulimit -n 1048576',
      ceiling: false,
    };
  }
  if (refused.EADDRNOTAVAIL) {
    return {
      limit: 'ephemeral ports',
      reason: "A client address' range of local ports is used up.",
      fix: 'sysctl -w net.ipv4.ip_local_port_range="1024 65535"',
      ceiling: false,
    };
  }
  if (valkey !== null && valkey.rejectedConnections > 0) {
    const max = valkey.maxClients.toLocaleString('en-US');
    return {
      limit: 'Valkey maxclients',
      reason: `Valkey accepts ${max} connections (maxclients) and refused ${valkey.rejectedConnections.toLocaleString('en-US')} more.`,
      fix: `valkey-cli CONFIG SET maxclients ${valkey.maxClients * 2}, or dedup mode, which needs a few`,
      ceiling: true,
    };
  }
  if (rejections.over_capacity) {
    return {
      limit: 'open files (gateway)',
      reason: `The gateway admits what its open-files limit of ${files} allows, with head room.`,
      fix: 'ulimit -n 1048576 for the gateway, or more processes (--workers)',
      ceiling: true,
    };
  }
  if (rejections.broker_unavailable) {
    return {
      limit: 'broker',
      reason: 'The gateway could not reach Valkey for these streams in time.',
      fix: 'look at the load of Valkey and of the machine',
      ceiling: false,
    };
  }
  const seen = Object.entries({ ...refused, ...rejections }).map(
    ([kind, count]) => `${kind} (${count} times)`,
  );
  return {
    limit: 'the server',
    reason: `It refused streams: ${seen.join(', ')}.`,
    fix: "look into the server's log",
    ceiling: false,
  };
}
