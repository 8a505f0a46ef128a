import type { Connection } from './database.ts';

/** Every event that says something about a payment, in the order they happened. */
export async function timelineOfPayment(db: Connection, paymentKey: number) {
  return db
    .selectFrom('payment_facts')
    .innerJoin('ledger', 'ledger.id', 'payment_facts.event_id')
    .leftJoin('events', (join) =>
      join.onRef('events.id', '=', 'ledger.id').onRef('events.recorded_at', '=', 'ledger.stored_at'),
    )
    .select([
      'payment_facts.type as canonical_type',
      'payment_facts.occurred_at',
      'payment_facts.fact',
      'payment_facts.event_id',
      'ledger.provider_event_id',
      'ledger.endpoint',
      'ledger.received_at',
      'ledger.request_id',
      // Null where the event itself is past its retention.
      'events.type',
      'events.tier',
      'events.key_id',
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
