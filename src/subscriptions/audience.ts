import { type Batch, takeBatch } from '../sse/batch.ts';
import type { Connection } from '../sse/connection.ts';
import type { CloseReason } from '../sse/reasons.ts';

/** Who accounts for an audience's writes. */
export interface Delivery {
  /** Events handed to connections. */
  delivered: number;
  /** Ends a connection for a reason that its write returned. */
  close(connection: Connection, reason: CloseReason): void;
  /** Ends a connection whose write threw. */
  fail(connection: Connection, error: unknown): void;
}

/**
 * The connections that get the same frames in the same order (the subscribers of a channel), and the frames they are yet
 * to get.
 *
 * The cursor of the fan-out is the members' own iterator. A Set is visited in the order of insertion, and that stays right
 * while members leave and join between slices: nobody who was there when the batch began is skipped or met twice; who
 * joins meanwhile is met last.
 */
export class Audience {
  readonly members = new Set<Connection>();
  /** Bytes of the frames that no batch has taken yet. */
  backlog = 0;
  /** Frames pushed, and frames written to all members, since the beginning. */
  pushed = 0;
  written = 0;
  readonly #pending: Uint8Array[] = [];
  #batch: Batch | undefined = undefined;
  #cursor: IterableIterator<Connection> | undefined = undefined;

  /** Whether any frame is yet to be written. */
  get waiting(): boolean {
    return this.#batch !== undefined || this.#pending.length > 0;
  }

  push(frame: Uint8Array): void {
    this.#pending.push(frame);
    this.backlog += frame.length;
    this.pushed++;
  }

  /** Goes on writing the current batch, or begins one. Stops after about `budget` writes; returns how many it made. */
  write(budget: number, delivery: Delivery): number {
    if (this.#batch === undefined) {
      this.#batch = takeBatch(this.#pending);
      this.backlog -= this.#batch.bytes;
      this.#cursor = this.members.values();
    }
    const batch = this.#batch;
    let writes = 0;
    while (writes < budget) {
      const { value: connection, done } = this.#cursor!.next();
      if (done) {
        this.written += batch.events;
        this.#batch = undefined;
        this.#cursor = undefined;
        break;
      }
      writes += batch.pieces.length;
      try {
        const reason = connection.write(batch);
        if (reason === undefined) delivery.delivered += batch.events;
        else delivery.close(connection, reason);
      } catch (error) {
        delivery.fail(connection, error);
      }
    }
    return writes;
  }
}
