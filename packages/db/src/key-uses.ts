import { sql } from 'kysely';
import type { Connection } from './database.ts';

/** When a signing key proved deliveries of an endpoint. */
export interface KeyUse {
  readonly endpoint: string;
  readonly keyId: string;
  readonly firstUsedAt: Date;
  readonly lastUsedAt: Date;
}

/** Adds uses to those known: the earliest first and the latest last stay, in whatever order they are told. */
export async function recordKeyUses(db: Connection, uses: readonly KeyUse[]): Promise<void> {
  if (uses.length === 0) return;
  await db
    .insertInto('key_uses')
    .values(
      uses
        // In one order everywhere, so that two workers never wait for each other's rows in a circle.
        .toSorted((one, other) => (`${one.endpoint} ${one.keyId}` < `${other.endpoint} ${other.keyId}` ? -1 : 1))
        .map(({ endpoint, keyId, firstUsedAt, lastUsedAt }) => ({
          endpoint,
          key_id: keyId,
          first_used_at: firstUsedAt,
          last_used_at: lastUsedAt,
        })),
    )
    .onConflict((conflict) =>
      conflict.columns(['endpoint', 'key_id']).doUpdateSet({
        first_used_at: sql<Date>`least(key_uses.first_used_at, excluded.first_used_at)`,
        last_used_at: sql<Date>`greatest(key_uses.last_used_at, excluded.last_used_at)`,
      }),
    )
    .execute();
}

/** Every key that was used, the endpoints in their order, of each the key used last first; at most 1,000. */
export async function listKeyUses(db: Connection): Promise<readonly KeyUse[]> {
  const rows = await db
    .selectFrom('key_uses')
    .selectAll()
    .orderBy('endpoint')
    .orderBy('last_used_at', 'desc')
    .orderBy('key_id')
    .limit(1_000)
    .execute();
  return rows.map((row) => ({
    endpoint: row.endpoint,
    keyId: row.key_id,
    firstUsedAt: row.first_used_at,
    lastUsedAt: row.last_used_at,
  }));
}
