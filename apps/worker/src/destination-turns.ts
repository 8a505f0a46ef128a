/** Who may begin at a destination, in one process. Times are of one clock that only goes forward. */
export interface Turns {
  /** How long to stay away: 0 where it is one's turn now. Whoever is told more has that moment promised. */
  readonly ask: (nowMs: number) => number;
  /** Takes a place, of which there is one where `ask` has just said 0. */
  readonly enter: (nowMs: number) => void;
  /** How long to wait yet with a place taken, a moment at most, until the delivery may begin. It then counts as begun. */
  readonly begin: (nowMs: number) => number;
  /** Gives the place back. */
  readonly leave: (nowMs: number, enteredMs: number) => void;
  /** Nobody has a turn for so long: the destination is left alone. */
  readonly rest: (nowMs: number, forMs: number) => void;
}

/** What is due within this takes its place and waits there: going back to the queue and coming again takes as long. */
const SOON_MS = 50;

/**
 * How far ahead turns are promised. What would come after that asks again before it is over. A promise outlives its
 * reason by no more: another worker beside this one, a higher limit, a destination that has become quick.
 */
const AHEAD_MS_MAX = 120_000;

/** How long a delivery is taken to last before one has ended. */
const LASTS_MS = 100;

/** How much the last delivery counts in the mean of how long they last. */
const NEWEST_SHARE = 0.2;

/** However quick a destination is, those who wait come back no faster. */
const APART_MS_MIN = 0.25;

/**
 * So many at once, and so many a second: each begins its share of a second after
 * the one before. Those that have to wait are told moments, one after another as
 * fast as the destination takes them, so that each comes back once, when there is
 * a turn to be had. A moment is nobody's by name: a message may come back to
 * another process, and one of that process' to this. Where somebody else has had
 * the turn, the next moment after all that are promised is told.
 *
 * Where it is places that lack, moments follow twice as fast as deliveries end,
 * for nobody knows when the next one does, and an empty place costs more than a
 * second look.
 */
export function openTurns(limits: { readonly concurrency: number; readonly perSecond: number | undefined }): Turns {
  const { concurrency, perSecond } = limits;
  const paceMs = perSecond === undefined ? 0 : 1_000 / perSecond;
  let underWay = 0;
  let lastsMs = LASTS_MS;
  /** Whoever enters has a turn then or later. */
  let nextAtMs = 0;
  /** Nothing begins before. */
  let mayBeginAtMs = 0;
  /** Up to there, moments are promised. */
  let promisedToMs = 0;
  let beyond = 0;

  const promise = (nowMs: number): number => {
    const apartMs = Math.max(APART_MS_MIN, paceMs, lastsMs / (2 * concurrency));
    const atMs = Math.max(promisedToMs, nextAtMs, underWay < concurrency ? nowMs : nowMs + apartMs);
    if (atMs - nowMs <= AHEAD_MS_MAX) {
      promisedToMs = atMs + apartMs;
      return atMs - nowMs;
    }
    // Evenly over the second half of what is promised: what is promised does not end before they come, nor do they come at once.
    beyond += 1;
    return (AHEAD_MS_MAX / 2) * (1 + ((beyond * GOLDEN) % 1));
  };

  return {
    ask: (nowMs) =>
      underWay < concurrency && nextAtMs - nowMs <= SOON_MS ? 0 : Math.max(1, Math.ceil(promise(nowMs))),
    enter: (nowMs) => {
      underWay += 1;
      nextAtMs = Math.max(nowMs, nextAtMs) + paceMs;
    },
    begin: (nowMs) => {
      const atMs = Math.max(nowMs, mayBeginAtMs);
      mayBeginAtMs = atMs + paceMs;
      nextAtMs = Math.max(nextAtMs, mayBeginAtMs);
      return atMs - nowMs;
    },
    leave: (nowMs, enteredMs) => {
      underWay -= 1;
      lastsMs += NEWEST_SHARE * (nowMs - enteredMs - lastsMs);
    },
    rest: (nowMs, forMs) => {
      nextAtMs = Math.max(nextAtMs, nowMs + forMs);
    },
  };
}

/** Its multiples, without what is before the point, lie evenly however many there are. */
const GOLDEN = 0.618_033_988_749_895;
