/** One thing to measure. */
export interface Benchmark {
  readonly name: string;
  /** Events that one run handles: times are told per event. */
  readonly events: number;
  /**
   * Makes what is worked on, which is not measured, and returns what is: the run. It hands its result to
   * `do_not_optimize`, and is async where the work goes on over turns of the event loop.
   */
  prepare(): () => void | Promise<void>;
}

/**
 * The values in turn, for ever. One input again and again would be measured with every cache in its favour: V8's of
 * strings and of matches, and the processor's of branches taken.
 */
export function inTurn<Value>(values: readonly Value[]): () => Value {
  let at = 0;
  return () => {
    at = at + 1 < values.length ? at + 1 : 0;
    return values[at]!;
  };
}
