import { sql } from 'kysely';
import type { Connection } from './database.ts';

/** A handler that some worker runs. */
export interface KnownHandler {
  readonly name: string;
  readonly pattern: string;
  readonly version: number;
}

/** How long a handler counts as one that is run after the last start of a worker with it. */
const FORGOTTEN_AFTER = sql`interval '30 days'`;

/** Tells which handlers this worker runs, for those who plan a replay. */
export async function rememberHandlers(db: Connection, handlers: readonly KnownHandler[]): Promise<void> {
  if (handlers.length === 0) return;
  await db
    .insertInto('known_handlers')
    .values(
      handlers
        // In one order everywhere, so that workers starting together never wait for each other in a circle.
        .toSorted((one, other) => (one.name < other.name ? -1 : 1))
        .map(({ name, pattern, version }) => ({ name, pattern, version })),
    )
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({
        pattern: (row) => row.ref('excluded.pattern'),
        version: (row) => row.ref('excluded.version'),
        seen_at: sql<Date>`now()`,
      }),
    )
    .execute();
}

/** Every handler that a worker started with lately, by name. */
export async function knownHandlers(db: Connection): Promise<readonly KnownHandler[]> {
  return db
    .selectFrom('known_handlers')
    .select(['name', 'pattern', 'version'])
    .where('seen_at', '>', sql<Date>`now() - ${FORGOTTEN_AFTER}`)
    .orderBy('name')
    .execute();
}
