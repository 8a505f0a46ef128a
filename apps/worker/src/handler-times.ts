/** How long handlers take, as this worker has seen. */
export interface HandlerTimes {
  readonly add: (handler: string, durationMs: number) => void;
  /** Whether running it in one transaction with others' would keep them waiting for less than a commit takes. */
  readonly isQuick: (handler: string) => boolean;
}

/** A statement takes a millisecond or less, and a commit a few; what takes longer waits for something else. */
const QUICK_MS = 15;

/** Share of the newest time in the mean: some ten runs are remembered. */
const NEWEST_SHARE = 0.1;

/** An exponentially weighted mean of each handler's time. One that has not been run yet is taken to be quick. */
export function observeHandlerTimes(): HandlerTimes {
  const means = new Map<string, number>();
  return {
    add: (handler, durationMs) => {
      const mean = means.get(handler) ?? durationMs;
      means.set(handler, mean + (durationMs - mean) * NEWEST_SHARE);
    },
    isQuick: (handler) => (means.get(handler) ?? 0) <= QUICK_MS,
  };
}
