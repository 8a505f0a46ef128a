import { sql, type RawBuilder } from 'kysely';
import { ReplayError } from '@penstock/core/replay';
import type { Connection, LedgerTransaction } from './database.ts';
import type { Operator } from './operator-actions.ts';
import { openMessage, placeOf } from './payloads.ts';

/** Which dead deliveries: of one destination, or all. */
export interface DeadDeliveryFilter {
  readonly destination?: string | undefined;
}

/** Dead deliveries that ended alike. */
export interface DeadDeliveries {
  readonly destination: string;
  /** What was answered last, or why nothing was. */
  readonly error: string | null;
  readonly count: number;
  readonly oldest: Date;
}

/** How many there are, by destination and by how they ended; the most first. */
export async function countDeadDeliveries(
  db: Connection,
  filter: DeadDeliveryFilter,
): Promise<readonly DeadDeliveries[]> {
  const { rows } = await sql<DeadDeliveries>`
    select destination, last_error as error, count(*)::int as count, min(finished_at) as oldest
    from outbox_deliveries where state = 'dead' and ${ofDestination(filter)}
    group by 1, 2 order by 3 desc, 1, 2`.execute(db);
  return rows;
}

/** The numbers of dead deliveries, oldest first, after the one of that number. */
export async function deadDeliveries(
  db: Connection,
  filter: DeadDeliveryFilter,
  page: { readonly afterId: number; readonly limit: number },
): Promise<readonly number[]> {
  const { rows } = await sql<{ readonly id: number }>`
    select id from outbox_deliveries
    where state = 'dead' and ${ofDestination(filter)} and id > ${page.afterId}
    order by id limit ${page.limit}`.execute(db);
  return rows.map(({ id }) => id);
}

function ofDestination({ destination }: DeadDeliveryFilter): RawBuilder<boolean> {
  return destination === undefined ? sql<boolean>`true` : sql<boolean>`destination = ${destination}`;
}

/** Throws ReplayError `delivery_unknown` or `delivery_not_dead` for the first that cannot be retried. */
export async function assertDead(db: Connection, ids: readonly number[]): Promise<void> {
  const rows = await db
    .selectFrom('outbox_deliveries')
    .select(['id', 'state'])
    .where('id', 'in', [...ids])
    .execute();
  for (const id of ids) {
    const state = rows.find((row) => row.id === id)?.state;
    if (state === undefined) throw new ReplayError('delivery_unknown', `there is no message ${id} in the outbox`);
    if (state !== 'dead') throw new ReplayError('delivery_not_dead', `the message ${id} is ${state}, not dead`);
  }
}

/** A delivery that was dead, and how often it had been tried. */
export interface RevivedDelivery {
  readonly id: number;
  readonly destination: string;
  readonly attempts: number;
}

/**
 * Makes dead deliveries ones to be sent again, with all their attempts before
 * them; any other stays as it is. Comes before their jobs are put back to work:
 * what is queued here and has none is found and given one (restingDeliveries).
 */
export async function reviveDeliveries(db: Connection, ids: readonly number[]): Promise<readonly RevivedDelivery[]> {
  const { rows } = await sql<RevivedDelivery>`
    with dead as (
      select id, destination, attempts from outbox_deliveries
      where id = any(${[...ids]}::bigint[]) and state = 'dead' order by id for update),
    revived as (
      update outbox_deliveries set state = 'queued', attempts = 0, finished_at = null, touched_at = now()
      where id in (select id from dead))
    select * from dead order by id`.execute(db);
  return rows;
}

/** Revives deliveries, and records of each who asked for it and why. Returns those that were dead still. */
export async function retryDeliveries(
  tx: LedgerTransaction,
  ids: readonly number[],
  by: { readonly operator: Operator; readonly reason: string },
): Promise<readonly number[]> {
  const revived = await reviveDeliveries(tx, ids);
  if (revived.length === 0) return [];
  await tx
    .insertInto('operator_actions')
    .values(
      revived.map(({ id, destination, attempts }) => ({
        operator: by.operator.name,
        action: 'delivery.retry' as const,
        target: `delivery:${id}`,
        reason: by.reason,
        request_id: by.operator.requestId,
        source: by.operator.source ?? null,
        details: JSON.stringify({ destination, attempts }),
      })),
    )
    .execute();
  return revived.map(({ id }) => id);
}

/** One message on its way to one destination: what it tells of, how it stands, who retried it. Throws ReplayError `delivery_unknown`. */
export async function tellDelivery(db: Connection, id: number) {
  const row = await db
    .selectFrom('outbox_deliveries as delivery')
    .innerJoin('outbox', 'outbox.id', 'delivery.outbox_id')
    .innerJoin('ledger', 'ledger.id', 'outbox.ledger_id')
    .selectAll('delivery')
    .select(['outbox.ledger_id', 'outbox.kind', 'outbox.topic', 'outbox.key', 'outbox.payload', 'outbox.sealed'])
    .select(['ledger.account', 'ledger.endpoint', 'ledger.provider_event_id', 'ledger.request_id'])
    .where('delivery.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new ReplayError('delivery_unknown', `there is no message ${id} in the outbox`);
  const retries = await db
    .selectFrom('operator_actions')
    .select(['at', 'operator', 'reason', 'details'])
    .where('target', '=', `delivery:${id}`)
    .orderBy('id')
    .execute();
  const { sealed: _sealed, ledger_id: ledgerId, ...told } = row;
  return { ...told, payload: openMessage(db, row, placeOf.message({ ...row, ledgerId })), retries };
}

export type ToldDelivery = Awaited<ReturnType<typeof tellDelivery>>;
