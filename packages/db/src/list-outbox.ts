import { sql, type SqlBool } from 'kysely';
import type { Connection } from './database.ts';
import { all, given, olderThan, type PageRequest } from './listing.ts';
import type { CollisionKind, Database } from './schema.ts';
import type { OutboxDelivery } from './outbox-deliveries.ts';

export interface NumberKey {
  readonly id: number;
}

export interface OutboxFilter {
  readonly destination?: string | undefined;
  readonly state?: OutboxDelivery['state'] | undefined;
  /** The event's number in the ledger. */
  readonly event?: number | undefined;
}

/** Messages on their way to destinations, the newest first. */
export async function listOutboxDeliveries(db: Connection, filter: OutboxFilter, page: PageRequest<NumberKey>) {
  return db
    .selectFrom('outbox_deliveries')
    .innerJoin('outbox', 'outbox.id', 'outbox_deliveries.outbox_id')
    .selectAll('outbox_deliveries')
    .select(['outbox.ledger_id', 'outbox.topic', 'outbox.key', 'outbox.kind'])
    .where(
      all([
        ...given(filter.destination, (value) => sql<SqlBool>`outbox_deliveries.destination = ${value}`),
        ...given(filter.state, (value) => sql<SqlBool>`outbox_deliveries.state = ${sql.lit(value)}`),
        ...given(filter.event, (value) => sql<SqlBool>`outbox.ledger_id = ${value}`),
        ...(page.after === null ? [] : [olderThan(['outbox_deliveries.id'], [page.after.id])]),
      ]),
    )
    .orderBy('outbox_deliveries.id', 'desc')
    .limit(page.limit)
    .execute();
}

export interface CollisionFilter {
  readonly account?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly kind?: CollisionKind | undefined;
  readonly event?: number | undefined;
}

const collisionColumns = [
  'id',
  'ledger_id',
  'kind',
  'account',
  'endpoint',
  'provider_event_id',
  'type',
  'tier',
  'key_id',
  'request_id',
  'received_at',
  'recorded_at',
  'body_sha256',
] as const satisfies readonly (keyof Database['collisions'])[];

/** Deliveries that contradict a known event, the newest first, without their bytes. */
export async function listCollisions(db: Connection, filter: CollisionFilter, page: PageRequest<NumberKey>) {
  return db
    .selectFrom('collisions')
    .select(collisionColumns)
    .where(
      all([
        ...given(filter.account, (value) => sql<SqlBool>`account = ${value}`),
        ...given(filter.endpoint, (value) => sql<SqlBool>`endpoint = ${value}`),
        ...given(filter.kind, (value) => sql<SqlBool>`kind = ${value}`),
        ...given(filter.event, (value) => sql<SqlBool>`ledger_id = ${value}`),
        ...(page.after === null ? [] : [olderThan(['id'], [page.after.id])]),
      ]),
    )
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute();
}
