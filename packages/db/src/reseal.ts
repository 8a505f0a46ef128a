import { sql, type RawBuilder } from 'kysely';
import { PermanentError } from '@penstock/core/failure';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { sealedHead, type SealedPlace } from '@penstock/core/sealed-payload';
import type { Connection } from './database.ts';
import { openBody, openMessage, placeOf, sealBody, sealMessage } from './payloads.ts';
import type { CollisionKind } from './schema.ts';

export const sealedTables = ['events', 'confirmations', 'collisions', 'outbox'] as const;
export type SealedTable = (typeof sealedTables)[number];

/** In one statement; the largest body alone may be more than the bytes. */
const ROWS_MAX = 200;
const BYTES_MAX = 8 * 1024 * 1024;

/** How many rows each key has sealed, by its id; those that lie plain are under `null`. */
export type RowsByKey = ReadonlyMap<string | null, number>;

/** Reads the beginning of every row of a table. */
export async function countByKey(db: Connection, table: SealedTable): Promise<RowsByKey> {
  const { column, isSealed } = tables[table];
  const { rows } = await sql<{ key: string | null; count: number }>`
    select case when ${isSealed} then convert_from(substring(${column} from 6 for get_byte(${column}, 4)), 'SQL_ASCII') end
           as key, count(*) as count
    from ${sql.table(table)} group by 1 order by 1`.execute(db);
  return new Map(rows.map(({ key, count }) => [key, count]));
}

/** What became of a batch. */
export interface Resealed {
  /** The last row looked at: the next batch begins behind it. Null where there is nothing left. */
  readonly lastId: number | null;
  readonly rows: number;
  /** Rows that did not open, by id, with why. */
  readonly refused: readonly { readonly id: number; readonly code: string }[];
}

/**
 * Seals the next rows behind `afterId` under the active key: at most 200, or 8
 * MiB, in one statement that commits by itself. What is under it already is
 * passed over, so that a run which was ended goes on where it was.
 */
export async function resealBatch(
  db: Connection,
  { table, afterId, keys }: { readonly table: SealedTable; readonly afterId: number; readonly keys: PayloadKeys },
): Promise<Resealed> {
  const head = sealedHead(keys.active);
  const { id, column, bytes, columns, reseal } = tables[table];
  const sized = await sql<{ id: number; bytes: number }>`
    select ${id} as id, ${bytes} as bytes from ${sql.table(table)}
    where ${id} > ${afterId} and substring(${column} from 1 for ${head.length}) is distinct from ${head}
    order by ${id} limit ${ROWS_MAX}`.execute(db);
  const ids = withinBytes(sized.rows);
  const lastId = ids.at(-1) ?? null;
  if (lastId === null) return { lastId, rows: 0, refused: [] };
  const { rows } = await sql<ResealRow>`
    select ${id} as id, ${columns} from ${sql.table(table)} where ${id} = any(${ids}::bigint[])`.execute(db);
  const refused: { readonly id: number; readonly code: string }[] = [];
  const sealed = rows.flatMap((row) => {
    try {
      return [{ id: row.id, bytes: reseal(db, row) }];
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      refused.push({ id: row.id, code: error.code });
      return [];
    }
  });
  await write(db, { table, sealed });
  return { lastId, rows: sealed.length, refused };
}

async function write(
  db: Connection,
  { table, sealed }: { readonly table: SealedTable; readonly sealed: readonly { id: number; bytes: Buffer }[] },
): Promise<void> {
  const { id, column, alongside } = tables[table];
  await sql`
    update ${sql.table(table)} set ${sql.ref(columnName(table))} = given.bytes ${alongside}
    from unnest(${sealed.map((row) => row.id)}::bigint[], ${sealed.map(({ bytes }) => bytes)}::bytea[]) as given (id, bytes)
    where ${id} = given.id and ${column} is distinct from given.bytes`.execute(db);
}

function columnName(table: SealedTable): 'body' | 'sealed' {
  return table === 'outbox' ? 'sealed' : 'body';
}

function withinBytes(rows: readonly { readonly id: number; readonly bytes: number }[]): readonly number[] {
  let sum = 0;
  const fitting = rows.filter(({ bytes }, position) => (sum += bytes) <= BYTES_MAX || position === 0);
  return fitting.map(({ id }) => id);
}

/** What a row of any of the tables has, where it has it. */
interface ResealRow {
  readonly id: number;
  readonly account: string;
  readonly provider_event_id: string;
  readonly ledger_id: number;
  readonly kind: CollisionKind;
  readonly message_kind: 'event' | 'message';
  readonly topic: string;
  readonly key: string;
  readonly payload: unknown;
  readonly sealed: Buffer | null;
  readonly body: Buffer;
  readonly body_sha256: Buffer;
}

interface ResealedTable {
  readonly id: RawBuilder<unknown>;
  readonly column: RawBuilder<unknown>;
  /** How large a row's payload is. */
  readonly bytes: RawBuilder<unknown>;
  readonly columns: RawBuilder<unknown>;
  readonly isSealed: RawBuilder<unknown>;
  /** What else changes with the bytes. */
  readonly alongside: RawBuilder<unknown>;
  readonly reseal: (db: Connection, row: ResealRow) => Buffer;
}

const looksSealed = sql`substring(body from 1 for 4) = '\\x00505301' and sha256(body) <> body_sha256`;
const bodies = { column: sql`body`, bytes: sql`octet_length(body)`, isSealed: looksSealed, alongside: sql`` } as const;

const tables: Readonly<Record<SealedTable, ResealedTable>> = {
  events: {
    ...bodies,
    id: sql`events.id`,
    columns: sql`account, provider_event_id, body, body_sha256`,
    reseal: (db, row) =>
      resealBody(db, row, placeOf.event({ ...row, eventId: row.provider_event_id, sha256: hashOf(row) })),
  },
  confirmations: {
    ...bodies,
    id: sql`confirmations.ledger_id`,
    columns: sql`body, body_sha256`,
    reseal: (db, row) => resealBody(db, row, placeOf.confirmation({ ledgerId: row.id, sha256: hashOf(row) })),
  },
  collisions: {
    ...bodies,
    id: sql`collisions.id`,
    columns: sql`ledger_id, kind, provider_event_id, body, body_sha256`,
    reseal: (db, row) =>
      resealBody(
        db,
        row,
        placeOf.collision({
          ledgerId: row.ledger_id,
          kind: row.kind,
          eventId: row.provider_event_id,
          sha256: hashOf(row),
        }),
      ),
  },
  outbox: {
    id: sql`outbox.id`,
    column: sql`sealed`,
    bytes: sql`coalesce(octet_length(sealed), pg_column_size(payload))`,
    columns: sql`ledger_id, kind as message_kind, topic, key, payload, sealed`,
    isSealed: sql`sealed is not null`,
    alongside: sql`, payload = 'null'`,
    reseal: (db, row) => {
      const place = placeOf.message({
        ledgerId: row.ledger_id,
        kind: row.message_kind,
        topic: row.topic,
        key: row.key,
      });
      return sealMessage(db, openMessage(db, row, place), place).sealed ?? Buffer.alloc(0);
    },
  },
};

function resealBody(db: Connection, row: ResealRow, place: SealedPlace): Buffer {
  return sealBody(db, openBody(db, row.body, { place, sha256: row.body_sha256 }), place);
}

function hashOf(row: ResealRow): string {
  return row.body_sha256.toString('hex');
}
