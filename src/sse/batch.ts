/**
 * A batch is what one fan-out hands to every connection of a channel: frames joined or split into pieces, once,
 * and shared by all of them.
 */
export interface Batch {
  readonly pieces: readonly Uint8Array[];
  /** Sum of the pieces' lengths. */
  readonly bytes: number;
  /** Number of events in it. */
  readonly events: number;
}

/**
 * Largest piece in bytes. A piece is one corked write, and uWebSockets.js corks into a buffer of 16 KiB: a write
 * that exceeds it costs more system calls and can lose bytes when its header does not fit into the socket.
 */
export const MAX_PIECE = 15 * 1024;
/** A batch takes no further frame beyond this many bytes, which bounds what a turn of one channel costs. */
const MAX_BATCH = 64 * 1024;

/** Takes frames from the front of `pending` (always at least one) and packs them into a batch. */
export function takeBatch(pending: Uint8Array[]): Batch {
  let bytes = pending[0]!.length;
  let events = 1;
  while (events < pending.length && bytes + pending[events]!.length <= MAX_BATCH) {
    bytes += pending[events++]!.length;
  }
  const frames = pending.splice(0, events);
  const [first] = frames;
  const pieces = events === 1 && bytes <= MAX_PIECE ? [first!] : toPieces(frames);
  return { pieces, bytes, events };
}

/** Takes chunks of at most {@link MAX_PIECE} bytes each from the front of a queue and joins them to one piece. */
export function takePiece(queue: Uint8Array[]): Uint8Array {
  let bytes = queue[0]!.length;
  let count = 1;
  while (count < queue.length && bytes + queue[count]!.length <= MAX_PIECE) bytes += queue[count++]!.length;
  const run = queue.splice(0, count);
  return count === 1 ? run[0]! : Buffer.concat(run, bytes);
}

/** Joins small chunks and splits large ones so that every piece holds at most {@link MAX_PIECE} bytes. */
function toPieces(chunks: readonly Uint8Array[]): Uint8Array[] {
  const small = chunks.flatMap((chunk) => {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; at += MAX_PIECE) parts.push(chunk.subarray(at, at + MAX_PIECE));
    return parts;
  });
  const pieces: Uint8Array[] = [];
  while (small.length > 0) pieces.push(takePiece(small));
  return pieces;
}
