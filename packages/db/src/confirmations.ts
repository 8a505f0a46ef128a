import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { openEventConflict } from './conflicts.ts';
import type { Connection, LedgerTransaction } from './database.ts';
import { openBody, placeOf, sealBody } from './payloads.ts';
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
    .select([
      'ledger.id',
      'ledger.state',
      'ledger.body_sha256',
      'confirmations.body as answer',
      'confirmations.body_sha256 as answer_sha256',
    ])
    .where('ledger.account', '=', key.account)
    .where('ledger.provider_event_id', '=', key.eventId)
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : { state: row.state, bodySha256: row.body_sha256.toString('hex'), answer: openAnswer(db, row) };
}

/** What a provider's API said, as it came; null where it was not asked. Throws PermanentError as openBody does. */
export function openAnswer(
  db: Connection,
  row: { readonly id: number; readonly answer: Buffer | null; readonly answer_sha256: Buffer | null },
): Buffer | null {
  const { answer, answer_sha256: sha256 } = row;
  if (answer === null || sha256 === null) return null;
  return openBody(db, answer, {
    place: placeOf.confirmation({ ledgerId: row.id, sha256: sha256.toString('hex') }),
    sha256,
  });
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
  const sha256 = createHash('sha256').update(confirmation.answer).digest();
  const place = placeOf.confirmation({ ledgerId: confirmation.ledgerId, sha256: sha256.toString('hex') });
  const stored = await tx
    .insertInto('confirmations')
    .values({
      ledger_id: confirmation.ledgerId,
      confirmed_at: confirmation.at,
      source: confirmation.source,
      disagrees: confirmation.disagrees,
      body_sha256: sha256,
      body: sealBody(tx, confirmation.answer, place),
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
