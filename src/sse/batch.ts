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
  return { pieces: toPieces(pending.splice(0, events)), bytes, events };
}

/** A batch of a single block of bytes, such as a control event. */
export function batchOf(frame: Uint8Array): Batch {
  return { pieces: toPieces([frame]), bytes: frame.length, events: 1 };
}

/** Joins small chunks and splits large ones so that every piece holds at most {@link MAX_PIECE} bytes. */
export function toPieces(chunks: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  let runBytes = 0;
  const endRun = () => {
    if (run.length > 0) pieces.push(run.length === 1 ? run[0]! : Buffer.concat(run, runBytes));
    run = [];
    runBytes = 0;
  };
  for (const chunk of chunks) {
    if (runBytes + chunk.length > MAX_PIECE) endRun();
    if (chunk.length > MAX_PIECE) {
      for (let at = 0; at < chunk.length; at += MAX_PIECE) pieces.push(chunk.subarray(at, at + MAX_PIECE));
    } else {
      run.push(chunk);
      runBytes += chunk.length;
    }
  }
  endRun();
  return pieces;
}
