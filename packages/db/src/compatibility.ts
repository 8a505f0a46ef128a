/** How a version of the code, by the migrations it brings, stands to a schema, by the migrations it has. */
export interface Compatibility {
  /** Needed by this version and not applied: it cannot run before `pnpm migrate`. */
  readonly missing: readonly string[];
  /** Applied by a newer version. */
  readonly unknown: readonly string[];
  /** Of those, the ones that took away what this version needs: it cannot run any more. */
  readonly takenAway: readonly string[];
  /**
   * Of the missing, the ones that take away what the version that made this
   * schema may need: it has to be gone before they are applied.
   */
  readonly breaking: readonly string[];
}

/**
 * Compares the two. A migration takes nothing away unless its name says so:
 * `0014_contract_after_0012_drop_old_name` is for versions that bring 0012, and
 * those alone. Older versions read such names in the database and stop, so that
 * the rule needs no version numbers and no table.
 */
export function compatibilityOf(names: {
  readonly known: readonly string[];
  readonly applied: readonly string[];
}): Compatibility {
  const known = new Set(names.known);
  const applied = new Set(names.applied);
  const missing = names.known.filter((name) => !applied.has(name));
  const unknown = names.applied.filter((name) => !known.has(name));
  return {
    missing,
    unknown,
    takenAway: unknown.filter((name) => neededBy(name) > newestOf(names.known)),
    breaking: applied.size === 0 ? [] : missing.filter((name) => neededBy(name) > newestOf(names.applied)),
  };
}

/** The number that a version must bring to live with a migration; 0 where every version does. */
function neededBy(name: string): number {
  return Number(/^\d{4}_contract_after_(?<number>\d{4})_/.exec(name)?.groups?.['number'] ?? 0);
}

function newestOf(names: readonly string[]): number {
  return Math.max(0, ...names.map((name) => Number(name.slice(0, 4))));
}
