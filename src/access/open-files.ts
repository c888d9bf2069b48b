/** Files kept free for listening sockets, links to the broker, publishers and requests that are no streams. */
const HEAD_ROOM = 0.05;
const HEAD_ROOM_MIN = 64;

/** Open files this process may have, Infinity where there is no limit or none can be learnt. */
export function openFilesLimit(): number {
  Object.assign(process.report, { excludeNetwork: true }); // else it looks up names of peers, which takes seconds
  const report = process.report.getReport() as {
    userLimits?: { open_files?: { soft: number | 'unlimited' } };
  };
  const limit = report.userLimits?.open_files?.soft;
  return typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY;
}

/** Streams that fit the limit, with head room, if each takes this many files. */
export function streamsWithin(openFiles: number, filesPerStream: number): number {
  if (openFiles === Number.POSITIVE_INFINITY) return 1_000_000;
  const room = openFiles - Math.max(HEAD_ROOM_MIN, Math.ceil(openFiles * HEAD_ROOM));
  return Math.max(1, Math.floor(room / filesPerStream));
}
