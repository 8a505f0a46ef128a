import type { LedgerDatabase } from '@penstock/db/database';
import { countMonthsAhead, createMonthsAhead, listMonths } from '@penstock/db/months';

/** Months are made a quarter of a year ahead: an hour late is early. */
export const KEEP_STORAGE_MS = 3_600_000;

/** What one look at the storage did, and found. */
export interface StorageKept {
  /** Partitions that were made. */
  readonly created: readonly string[];
  /** Months after this one that every table has. */
  readonly ahead: number;
  /** When the oldest month began; null where there is none. */
  readonly oldest: Date | null;
}

/**
 * Makes the months ahead. Any number of workers may do so at once: they wait
 * for each other at the month that they make, and find it made.
 */
export async function keepStorage(world: {
  readonly db: LedgerDatabase;
  readonly now: () => Date;
}): Promise<StorageKept> {
  const now = world.now();
  const created = await createMonthsAhead(world.db, { now });
  const months = await listMonths(world.db);
  return { created, ahead: countMonthsAhead(months, now), oldest: months[0]?.begins ?? null };
}
