import type { Connection } from './database.ts';

/** Every event that says something about a payment, in the order they happened. */
export async function timelineOfPayment(db: Connection, paymentKey: number) {
  return db
    .selectFrom('payment_facts')
    .innerJoin('events', 'events.id', 'payment_facts.event_id')
    .innerJoin('ledger', 'ledger.id', 'events.id')
    .select([
      'payment_facts.type as canonical_type',
      'payment_facts.occurred_at',
      'payment_facts.fact',
      'events.provider_event_id',
      'events.type',
      'events.endpoint',
      'events.received_at',
      'events.tier',
      'events.key_id',
      'events.request_id',
      'ledger.state',
      'ledger.finished_at',
    ])
    .where('payment_facts.payment_key', '=', paymentKey)
    .orderBy('payment_facts.occurred_at')
    .orderBy('payment_facts.event_id')
    .orderBy('payment_facts.ordinal')
    .limit(1_000)
    .execute();
}
