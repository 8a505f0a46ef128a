/** Who tries: a client address, or a browser that has logged in before. */
export type Guesser =
  | { readonly kind: 'stranger'; readonly address: string }
  | { readonly kind: 'known'; readonly device: string };

/** Counts wrong passwords and says when no more are looked at. */
export interface LoginLimiter {
  /** How long this one has to wait, or null where it may try now. */
  readonly waitMs: (guesser: Guesser) => number | null;
  readonly recordFailure: (guesser: Guesser) => void;
}

const WINDOW_MS = 15 * 60_000;

/** The first wait of all strangers together; each further failure doubles it, up to the window. */
const FIRST_WAIT_MS = 1_000;

/**
 * At most `attempts` wrong passwords in any 15 minutes from one address, or of
 * one known browser. Of strangers together `freely` so many; after each one
 * beyond, all of them wait, twice as long as the time before. A guess is one at
 * every account, so that this is the limit of each account: a guesser with a
 * network of addresses gets no further. Nor does he shut out whose browser has
 * logged in before: what strangers do is no matter to it.
 *
 * Attempts that are turned away are not counted, so waiting helps. The address
 * is the connection's own: headers that name another can be made up, so behind
 * a proxy all strangers share the proxy's share.
 *
 * Source: OWASP, Authentication Cheat Sheet, and Slow Down Online Guessing
 * Attacks with Device Cookies.
 */
export function createLoginLimiter(options: {
  readonly now: () => Date;
  readonly attempts: number;
  readonly freely: number;
}): LoginLimiter {
  // By what is limited, oldest first. Bounded by `freely` and the waits for strangers, and by their own share for known ones.
  let failures: readonly { readonly of: string; readonly stranger: boolean; readonly at: number }[] = [];
  const nowMs = (): number => options.now().getTime();

  const recentFailures = () => {
    const since = nowMs() - WINDOW_MS;
    failures = failures.filter((failure) => failure.at > since);
    return failures;
  };

  /** Until the oldest of its last failures leaves the window. */
  const ownWait = (of: string): number => {
    const oldest = recentFailures()
      .filter((failure) => failure.of === of)
      .at(-options.attempts);
    return oldest === undefined ? 0 : oldest.at + WINDOW_MS - nowMs();
  };

  const strangersWait = (): number => {
    const strangers = recentFailures().filter(({ stranger }) => stranger);
    const beyond = strangers.length - options.freely;
    const last = strangers.at(-1);
    if (beyond < 0 || last === undefined) return 0;
    return last.at + Math.min(FIRST_WAIT_MS * 2 ** beyond, WINDOW_MS) - nowMs();
  };

  return {
    waitMs: (guesser) => {
      const own = ownWait(nameOf(guesser));
      const wait = guesser.kind === 'stranger' ? Math.max(own, strangersWait()) : own;
      return wait > 0 ? wait : null;
    },
    recordFailure: (guesser) => {
      const failure = { of: nameOf(guesser), stranger: guesser.kind === 'stranger', at: nowMs() };
      failures = [...recentFailures(), failure];
    },
  };
}

function nameOf(guesser: Guesser): string {
  return guesser.kind === 'stranger' ? `address ${guesser.address}` : `device ${guesser.device}`;
}
