import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { paypalEvents, stripeEvents, type ProviderEvent } from './fixtures/lives.ts';
import { aDelivery } from './harness/deliveries.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
});
afterAll(() => database[Symbol.asyncDispose]());

/**
 * The law of the fold, on real rows: whichever order, however often, and with
 * how many workers at once the events of a payment come, its rows are the same.
 */
test.each(['stripe', 'paypal'] as const)(
  'the rows of a %s payment are the same for every order and repetition, two workers at once',
  { timeout: 180_000 },
  async (provider) => {
    const events = provider === 'stripe' ? stripeEvents() : paypalEvents();
    const expected = await rowsAfter({ provider, account: `${provider}-in-order`, events });
    expect(expected.payments).toHaveLength(1);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2 }),
        async (shuffled) => {
          run += 1;
          expect(await rowsAfter({ provider, account: `${provider}-shuffled-${run}`, events: shuffled })).toEqual(
            expected,
          );
        },
      ),
      { numRuns: 25 },
    );
  },
);

/** Processes the events in this order, two at a time, and reads what the tables say then. */
async function rowsAfter(options: {
  readonly provider: 'stripe' | 'paypal';
  readonly account: string;
  readonly events: readonly ProviderEvent[];
}) {
  const { provider, account } = options;
  const world = processWorld(database.db, { endpoints: new Map([[provider, { settings: {}, confirm: null }]]) });
  const waiting = [...options.events];
  const worker = async (): Promise<void> => {
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
      const job = { jobId: event.id, data: deliveryOf(event, { provider, account }), attempt: 1 };
      let processed = await processWebhook(job, world);
      // Two workers may meet in a deadlock; the queue then hands the job out again.
      while (processed.kind === 'outage') processed = await processWebhook(job, world);
      expect(processed.kind).toBe('ended');
    }
  };
  await Promise.all([worker(), worker()]);
  const { db } = database;
  return {
    payments: await db
      .selectFrom('payments')
      .select([
        'id',
        'status',
        'amount',
        'currency',
        'amount_captured',
        'amount_refunded',
        'refund_state',
        'dispute_state',
        'failure_code',
        'conflict',
        'needs_fetch',
        'version',
        'occurred_at',
      ])
      .where('account', '=', account)
      .orderBy('id')
      .execute(),
    references: await db
      .selectFrom('payment_references')
      .select('reference')
      .where('account', '=', account)
      .orderBy('reference')
      .execute(),
    refunds: await db
      .selectFrom('refunds')
      .select(['id', 'status', 'amount', 'currency', 'reason', 'version', 'occurred_at'])
      .where('account', '=', account)
      .orderBy('id')
      .execute(),
    disputes: await db
      .selectFrom('disputes')
      .select(['id', 'status', 'funds', 'amount', 'currency', 'reason', 'version', 'occurred_at'])
      .where('account', '=', account)
      .orderBy('id')
      .execute(),
    payouts: await db
      .selectFrom('payouts')
      .select(['id', 'status', 'amount', 'currency', 'failure_code', 'version', 'occurred_at'])
      .where('account', '=', account)
      .orderBy('id')
      .execute(),
  };
}

function deliveryOf(event: ProviderEvent, owner: { readonly provider: string; readonly account: string }): Delivery {
  const body = Buffer.from(event.body);
  return {
    ...aDelivery({ endpoint: owner.provider }),
    ...owner,
    eventId: event.id,
    type: event.type,
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}
