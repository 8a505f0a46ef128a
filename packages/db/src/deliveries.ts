import { sql } from 'kysely';
import type { Delivery } from '@penstock/core/delivery';
import type { Connection, LedgerTransaction } from './database.ts';
import type { DeliveryKind } from './schema.ts';

/** One time that a provider sent an event, as a worker took it. */
export interface TakenDelivery {
  readonly receivedAt: Date;
  readonly kind: DeliveryKind;
  readonly endpoint: string;
  readonly keyId: string;
  readonly requestId: string;
  readonly bodySha256: string;
}

/** Enough to see a provider that cannot stop; each event is usually sent once. */
const DELIVERIES_MAX = 50;

/** How often, and when, each of these events was sent: oldest first, at most fifty of each. */
export async function deliveriesOfEvents(
  db: Connection,
  ledgerIds: readonly number[],
): Promise<ReadonlyMap<number, readonly TakenDelivery[]>> {
  if (ledgerIds.length === 0) return new Map();
  const rows = await db
    .selectFrom((from) =>
      from
        .selectFrom('deliveries')
        .selectAll()
        .select(
          sql<number>`row_number() over (partition by ledger_id order by received_at, recorded_at)`.as('position'),
        )
        .where('ledger_id', 'in', [...ledgerIds])
        .as('numbered'),
    )
    .selectAll()
    .where('position', '<=', DELIVERIES_MAX)
    .orderBy('ledger_id')
    .orderBy('position')
    .execute();
  const byEvent = Map.groupBy(rows, (row) => row.ledger_id);
  return new Map(
    [...byEvent].map(([id, taken]) => [
      id,
      taken.map((row) => ({
        receivedAt: row.received_at,
        kind: row.kind,
        endpoint: row.endpoint,
        keyId: row.key_id,
        requestId: row.request_id,
        bodySha256: row.body_sha256.toString('hex'),
      })),
    ]),
  );
}

/**
 * Records a delivery of a known event where the ledger is not entered for it.
 * Every other one is recorded by entering, without a round trip of its own.
 */
export async function recordDelivery(
  tx: LedgerTransaction,
  delivery: Delivery,
  known: { readonly ledgerId: number; readonly kind: DeliveryKind },
): Promise<void> {
  await sql`
    with entered as (select ${known.ledgerId}::bigint as id, ${known.kind}::text as kind)
    ${insertDelivery(delivery)}`.execute(tx);
}

/**
 * The statement that records a delivery of the event in `entered (id, kind)`.
 * Another attempt at the same delivery meets the row of the first. What the
 * sweeper made anew of stored bytes was sent by nobody.
 */
export function insertDelivery(delivery: Delivery) {
  return sql`
    insert into deliveries (ledger_id, received_at, delivery_id, kind, endpoint, key_id, request_id, body_sha256, recorded_at)
    select entered.id, ${delivery.receivedAt}::timestamptz, ${delivery.deliveryId}::uuid, entered.kind,
           ${delivery.endpoint}, ${delivery.keyId}, ${delivery.requestId}, decode(${delivery.bodySha256}, 'hex'),
           least(greatest(${delivery.receivedAt}::timestamptz, now() - interval '7 days'), now() + interval '1 day')
    from entered where ${delivery.origin} = 'webhook'
    on conflict do nothing`;
}
