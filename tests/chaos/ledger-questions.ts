import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { LedgerDatabase } from '@penstock/db/database';
import type { LedgerState } from '@penstock/db/schema';

/** How long the ledger may be away, by a fault of ours, before a question to it fails. */
const PATIENCE_MS = 60_000;

/** Asks until there is an answer: the database may be down at this moment, that being the point. */
export async function persist<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

/** The states of these events; absent where the ledger has none of them. */
export async function statesOf(db: LedgerDatabase, ids: readonly string[]): Promise<ReadonlyMap<string, LedgerState>> {
  const found = new Map<string, LedgerState>();
  for (let from = 0; from < ids.length; from += 5_000) {
    const chunk = ids.slice(from, from + 5_000);
    const rows = await persist(() =>
      db
        .selectFrom('ledger')
        .select(['provider_event_id', 'state'])
        .where('provider_event_id', '=', sql<string>`any(${chunk})`)
        .execute(),
    );
    for (const row of rows) found.set(row.provider_event_id, row.state);
  }
  return found;
}

/** Tells the handlers to fail from now on, or no longer. */
export async function setGate(
  db: LedgerDatabase,
  gate: { readonly name: 'every' | 'held'; readonly closed: boolean },
): Promise<void> {
  await persist(() => sql`update chaos_gates set closed = ${gate.closed} where name = ${gate.name}`.execute(db));
}

/** Mends what these events' handlers stumble over. */
export async function repair(db: LedgerDatabase, ids: readonly string[]): Promise<void> {
  await persist(() => sql`insert into chaos_repaired select unnest(${ids}::text[])`.execute(db));
}
