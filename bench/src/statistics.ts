/** What repeated measurements of one figure come to. */
export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The median with its spread; a mean would be moved by the machine's one bad moment. */
export function summary(values: readonly number[]): Summary {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
  return { median, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0 };
}

/** Ratios of measurements taken in the same round: what slowed one round slowed both. */
export function ratios(numerators: readonly number[], denominators: readonly number[]): Summary {
  return summary(numerators.map((numerator, round) => numerator / (denominators[round] ?? Number.NaN)));
}
