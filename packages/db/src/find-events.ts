import type { Connection } from './database.ts';

/** Stored events by their provider's id in any of these accounts; at most ten. */
export async function findEvents(
  db: Connection,
  key: { readonly eventId: string; readonly accounts: readonly string[] },
) {
  if (key.accounts.length === 0) return [];
  return db
    .selectFrom('ledger')
    .select(['id', 'account', 'provider', 'endpoint', 'state'])
    .where('account', 'in', [...key.accounts])
    .where('provider_event_id', '=', key.eventId)
    .orderBy('id')
    .limit(10)
    .execute();
}
