/** Welch's t of two samples: how far apart their means are, in standard errors. 0 where there is nothing to tell. */
export function welchT(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [momentsOf(one), momentsOf(other)];
  const error = Math.sqrt(a.variance / one.length + b.variance / other.length);
  return error === 0 || !Number.isFinite(error) ? 0 : (a.mean - b.mean) / error;
}

/**
 * The samples below the given share of both together: what a scheduler or a
 * garbage collection adds hides any difference, and is cropped from both alike.
 */
export function cropped(samples: readonly (readonly number[])[], share: number): readonly (readonly number[])[] {
  const all = samples.flat().toSorted((one, other) => one - other);
  const limit = all[Math.floor(all.length * share)] ?? Infinity;
  return samples.map((each) => each.filter((value) => value <= limit));
}

function momentsOf(samples: readonly number[]): { readonly mean: number; readonly variance: number } {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  const variance = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (samples.length - 1);
  return { mean, variance };
}
