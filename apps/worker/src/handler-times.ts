/** How long handlers take, as this worker has seen. */
export interface HandlerTimes {
  readonly add: (handler: string, durationMs: number) => void;
  /** How long a statement of the worker's own took that handlers share a transaction with. */
  readonly addOwn: (durationMs: number) => void;
  /** Whether running it in one transaction with others' would keep them waiting for less than a commit takes. */
  readonly isQuick: (handler: string) => boolean;
}

/** A statement takes a millisecond or less, and a commit a few; what takes longer waits for something else. */
const QUICK_MS = 15;

/** Share of the newest time in the mean: some ten runs are remembered. */
const NEWEST_SHARE = 0.1;

/**
 * An exponentially weighted mean of each handler's time. One that has not been run yet is taken to be quick, and so is
 * one that takes no longer than the worker's own statements: then it is the machine that is busy, and busier still
 * with many transactions in place of one.
 */
export function observeHandlerTimes(): HandlerTimes {
  const means = new Map<string, number>();
  let ownMean = 0;
  const towards = (mean: number, durationMs: number): number => mean + (durationMs - mean) * NEWEST_SHARE;
  return {
    add: (handler, durationMs) => void means.set(handler, towards(means.get(handler) ?? durationMs, durationMs)),
    addOwn: (durationMs) => {
      ownMean = towards(ownMean, durationMs);
    },
    isQuick: (handler) => (means.get(handler) ?? 0) <= Math.max(QUICK_MS, ownMean),
  };
}
