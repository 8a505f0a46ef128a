import type { Connection } from './database.ts';

/** A key of the read API, as it is kept: its secret is not among it. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly secretSha256: Buffer;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export async function insertApiKey(
  db: Connection,
  key: Pick<ApiKey, 'id' | 'name' | 'secretSha256' | 'scopes' | 'createdAt' | 'expiresAt'>,
): Promise<void> {
  await db
    .insertInto('api_keys')
    .values({
      id: key.id,
      name: key.name,
      secret_sha256: key.secretSha256,
      scopes: [...key.scopes],
      created_at: key.createdAt,
      expires_at: key.expiresAt,
      revoked_at: null,
      last_used_at: null,
    })
    .execute();
}

export async function findApiKey(db: Connection, id: string): Promise<ApiKey | undefined> {
  const row = await db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : keyOf(row);
}

/** Every key, the newest first; at most 1,000. */
export async function listApiKeys(db: Connection): Promise<readonly ApiKey[]> {
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(1_000)
    .execute();
  return rows.map(keyOf);
}

/** Returns whether there is such a key. One that was revoked before keeps its time. */
export async function revokeApiKey(
  db: Connection,
  { id, at }: { readonly id: string; readonly at: Date },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('api_keys')
    .set((set) => ({ revoked_at: set.fn.coalesce('revoked_at', set.val(at)) }))
    .where('id', '=', id)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Writes that a key was used, where that was not written since `unlessSince`. */
export async function recordApiKeyUse(
  db: Connection,
  use: { readonly id: string; readonly at: Date; readonly unlessSince: Date },
): Promise<void> {
  await db
    .updateTable('api_keys')
    .set({ last_used_at: use.at })
    .where('id', '=', use.id)
    .where((where) => where.or([where('last_used_at', 'is', null), where('last_used_at', '<', use.unlessSince)]))
    .execute();
}

function keyOf(row: {
  readonly id: string;
  readonly name: string;
  readonly secret_sha256: Buffer;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}): ApiKey {
  return {
    id: row.id,
    name: row.name,
    secretSha256: row.secret_sha256,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}
