/** How much of what comes is turned away because the process answers late. */
export interface Pressure {
  /** Once a tenth of a second: how late the event loop was this time, in milliseconds. */
  readonly step: (delayMs: number) => void;
  /** Whether this request goes. Those who have proven themselves of late go last. */
  readonly turnsAway: (client: { readonly isProven: boolean }) => boolean;
  /** 0 in calm, 1 where nobody is let in. */
  readonly level: () => number;
}

/** A single pause, as of the garbage collector, is not a state: about five samples count. */
const SMOOTHING = 0.3;

/** Up within a second, down within two: what was relieved is not loaded at once again. */
const RISE = 0.1;
const FALL = 0.05;

/** It falls again below half of the delay at which it rises. Between the two it stays as it is. */
const CALM_SHARE = 0.5;

/**
 * Above the delay the pressure rises by steps, below half of it it falls by
 * smaller ones: as much is turned away as brings the delay between the two,
 * instead of all and nothing by turns.
 *
 * In its lower half it turns away more and more of the strangers, in its upper
 * half of the others too. What proves itself is thus heard while what floods
 * it is not, as long as the two come from different addresses.
 */
export function createPressure({ delayMsMax }: { readonly delayMsMax: number }): Pressure {
  let delay = 0;
  let level = 0;
  /** What was turned away too little so far, so that a share of a third is every third. */
  const owed = { strangers: 0, proven: 0 };

  return {
    level: () => level,
    step: (delayMs) => {
      delay += (delayMs - delay) * SMOOTHING;
      if (delay > delayMsMax) level = Math.min(1, level + RISE);
      else if (delay < delayMsMax * CALM_SHARE) level = Math.max(0, level - FALL);
    },
    turnsAway: ({ isProven }) => {
      const who = isProven ? 'proven' : 'strangers';
      const share = isProven ? Math.max(0, 2 * level - 1) : Math.min(1, 2 * level);
      owed[who] = share === 0 ? 0 : owed[who] + share;
      // Sums of tenths fall short of one by a little.
      if (owed[who] < 1 - 1e-9) return false;
      owed[who] -= 1;
      return true;
    },
  };
}
