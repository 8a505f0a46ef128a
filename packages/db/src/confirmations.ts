import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { openEventConflict } from './conflicts.ts';
import type { Connection, LedgerTransaction } from './database.ts';
import type { LedgerState } from './schema.ts';

/** What the ledger knows of an event that may have to be confirmed. */
export interface ConfirmationStanding {
  readonly state: LedgerState;
  readonly bodySha256: string;
  /** The answer that was fetched for it before; null where none was. */
  readonly answer: Buffer | null;
}

/** Where an event stands, or undefined where it is not stored. Locks nothing. */
export async function findConfirmation(
  db: Connection,
  key: { readonly account: string; readonly eventId: string },
): Promise<ConfirmationStanding | undefined> {
  const row = await db
    .selectFrom('ledger')
    .leftJoin('confirmations', (join) =>
      join
        .onRef('confirmations.ledger_id', '=', 'ledger.id')
        .onRef('confirmations.recorded_at', '=', 'ledger.stored_at'),
    )
    .select(['ledger.state', 'ledger.body_sha256', 'confirmations.body as answer'])
    .where('ledger.account', '=', key.account)
    .where('ledger.provider_event_id', '=', key.eventId)
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : { state: row.state, bodySha256: row.body_sha256.toString('hex'), answer: row.answer };
}

/**
 * Keeps an answer beside its event. The first one stays, as the one that is
 * acted upon. One that the event's body contradicts opens a conflict.
 */
export async function storeConfirmation(
  tx: LedgerTransaction,
  confirmation: {
    readonly ledgerId: number;
    readonly at: Date;
    readonly source: string;
    readonly disagrees: boolean;
    readonly answer: Buffer;
  },
): Promise<void> {
  const stored = await tx
    .insertInto('confirmations')
    .values({
      ledger_id: confirmation.ledgerId,
      confirmed_at: confirmation.at,
      source: confirmation.source,
      disagrees: confirmation.disagrees,
      body_sha256: createHash('sha256').update(confirmation.answer).digest(),
      body: confirmation.answer,
      recorded_at: sql<Date>`(select stored_at from ledger where id = ${confirmation.ledgerId})`,
    })
    .onConflict((conflict) => conflict.columns(['ledger_id', 'recorded_at']).doNothing())
    .returning('disagrees')
    .executeTakeFirst();
  if (stored?.disagrees === true)
    await openEventConflict(tx, {
      ledgerId: confirmation.ledgerId,
      kind: 'unsigned_disagreement',
      code: 'body_disagrees',
      subject: `event:${confirmation.ledgerId}`,
    });
}
