/** Everything that is left to chance, from one seed: the same seed gives the same choices. */
export interface Random {
  /** In [0, 1). */
  readonly next: () => number;
  /** A whole number from 0 up to, and not including, `count`. */
  readonly below: (count: number) => number;
  readonly chance: (share: number) => boolean;
  /** Undefined where there is nothing to choose from. */
  readonly pick: <T>(of: readonly T[]) => T | undefined;
}

/** A Weyl sequence through a mixer of 32 bits (mulberry32, T. Ettinger, public domain): small, fast, and good enough to choose. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number): number => Math.floor(next() * count);
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick: (of) => of[below(of.length)],
  };
}
