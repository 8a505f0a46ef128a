/** Counts wrong passwords and says when no more are looked at. */
export interface LoginLimiter {
  /** How long this address has to wait, or null where it may try now. */
  readonly waitMs: (address: string) => number | null;
  readonly recordFailure: (address: string) => void;
}

const WINDOW_MS = 15 * 60_000;

/**
 * Whatever the addresses: a guesser with a network of them gets no further
 * than this. It also is what bounds the memory of failures.
 */
const FAILURES_PER_WINDOW_MAX = 100;

/**
 * At most so many wrong passwords per address, and 100 in all unless told otherwise, in any 15
 * minutes. Attempts that are turned away are not counted, so waiting helps.
 * The address is the connection's own: headers that name another can be made
 * up, so behind a proxy everybody shares the proxy's share.
 */
export function createLoginLimiter(options: {
  readonly now: () => Date;
  readonly attemptsPerAddress: number;
  /** Of all addresses together. */
  readonly attemptsInAll?: number;
}): LoginLimiter {
  let failures: readonly { readonly address: string; readonly at: number }[] = [];

  const recentFailures = () => {
    const since = options.now().getTime() - WINDOW_MS;
    failures = failures.filter((failure) => failure.at > since);
    return failures;
  };

  /** Until the oldest of the last `allowed` failures leaves the window. */
  const waitFor = (counted: readonly { readonly at: number }[], allowed: number): number => {
    const oldest = counted.at(-allowed);
    return oldest === undefined ? 0 : oldest.at + WINDOW_MS - options.now().getTime();
  };

  return {
    waitMs: (address) => {
      const recent = recentFailures();
      const own = recent.filter((failure) => failure.address === address);
      const wait = Math.max(
        waitFor(own, options.attemptsPerAddress),
        waitFor(recent, options.attemptsInAll ?? FAILURES_PER_WINDOW_MAX),
      );
      return wait > 0 ? wait : null;
    },
    recordFailure: (address) => {
      failures = [...recentFailures(), { address, at: options.now().getTime() }];
    },
  };
}
