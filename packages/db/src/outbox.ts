import { sql } from 'kysely';
import type { Connection, LedgerTransaction } from './database.ts';
import { openEventBody } from './events.ts';
import { openMessage, placeOf, sealMessage } from './payloads.ts';

/** A message, and where it goes. */
export interface PromisedMessage {
  readonly ledgerId: number;
  /** The event itself, or what a handler wrote. */
  readonly kind: 'event' | 'message';
  readonly topic: string;
  readonly key: string;
  readonly payload: unknown;
  readonly destinations: readonly { readonly name: string; readonly orderKey: string | null }[];
}

/**
 * Promises a message outside the database; it commits with the event or not at
 * all. One that no destination wants is kept all the same, and goes nowhere.
 */
export async function addToOutbox(tx: LedgerTransaction, message: PromisedMessage): Promise<void> {
  const { ledgerId, kind, topic, key, destinations } = message;
  const { payload, sealed } = sealMessage(tx, message.payload, placeOf.message(message));
  const { rows } = await sql<{ id: number }>`
    insert into outbox (ledger_id, kind, topic, key, payload, sealed)
    values (${ledgerId}, ${kind}, ${topic}, ${key}, ${payload}::jsonb, ${sealed})
    returning id`.execute(tx);
  const [row] = rows;
  if (row === undefined || destinations.length === 0) return;
  await tx
    .insertInto('outbox_deliveries')
    .values(destinations.map(({ name, orderKey }) => ({ outbox_id: row.id, destination: name, order_key: orderKey })))
    .execute();
}

/** What is sent: the message, and of the event's own bytes what a raw delivery takes; null where they are past their retention. */
export async function findMessage(db: Connection, outboxId: number) {
  const row = await db
    .selectFrom('outbox')
    .innerJoin('ledger', 'ledger.id', 'outbox.ledger_id')
    .leftJoin('events', (join) =>
      join.onRef('events.id', '=', 'ledger.id').onRef('events.recorded_at', '=', 'ledger.stored_at'),
    )
    .select([
      'outbox.ledger_id',
      'outbox.kind',
      'outbox.topic',
      'outbox.key',
      'outbox.payload',
      'outbox.sealed',
      'outbox.created_at',
      'ledger.account',
      'ledger.provider_event_id',
      'events.body',
      'events.body_sha256',
      'events.content_type',
    ])
    .where('outbox.id', '=', outboxId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { kind, topic, key, created_at, content_type, body, body_sha256 } = row;
  return {
    kind,
    topic,
    created_at,
    content_type,
    payload: openMessage(db, row, placeOf.message({ ledgerId: row.ledger_id, kind, topic, key })),
    body: body === null || body_sha256 === null ? null : openEventBody(db, { ...row, body, body_sha256 }),
  };
}
