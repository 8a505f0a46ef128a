import { sql } from 'kysely';
import type { LedgerTransaction } from './database.ts';

/** Promises an effect outside the database; it commits with the event or not at all. */
export async function addToOutbox(
  tx: LedgerTransaction,
  message: { readonly ledgerId: number; readonly topic: string; readonly key: string; readonly payload: unknown },
): Promise<void> {
  await sql`insert into outbox (ledger_id, topic, key, payload) values (${message.ledgerId}, ${message.topic}, ${message.key}, ${JSON.stringify(message.payload)}::jsonb)`.execute(
    tx,
  );
}
