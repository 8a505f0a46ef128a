import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { providerNamed } from '@penstock/core/providers/registry';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook, type ProcessWorld } from '@penstock/worker/process-webhook';
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
  { timeout: 60_000 },
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

interface ProviderEvent {
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

/** Processes the events in this order, two at a time, and reads what the tables say then. */
async function rowsAfter(options: {
  readonly provider: 'stripe' | 'paypal';
  readonly account: string;
  readonly events: readonly ProviderEvent[];
}) {
  const { provider, account } = options;
  const world: ProcessWorld = {
    db: database.db,
    provider: providerNamed,
    handlers: [],
    handlerMs: 1_000,
    now: () => new Date(),
    stopping: new AbortController().signal,
  };
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
    ...aDelivery(),
    ...owner,
    eventId: event.id,
    type: event.type,
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}

/** A life with ties in one second, a retried attempt, two refunds of which one fails, a dispute and a payout. */
function stripeEvents(): readonly ProviderEvent[] {
  const intent = {
    id: 'pi_1',
    object: 'payment_intent',
    amount: 10_000,
    currency: 'eur',
    amount_capturable: 0,
    amount_received: 0,
    latest_charge: null,
    status: 'requires_payment_method',
  };
  const refund = (id: string, status: string, amount: number) => ({
    id,
    object: 'refund',
    amount,
    currency: 'eur',
    charge: 'ch_1',
    payment_intent: 'pi_1',
    status,
    reason: null,
  });
  const dispute = (status: string) => ({
    id: 'du_1',
    object: 'dispute',
    amount: 10_000,
    currency: 'eur',
    charge: 'ch_1',
    payment_intent: 'pi_1',
    status,
    reason: 'fraudulent',
  });
  const payout = (status: string, failure: string | null) => ({
    id: 'po_1',
    object: 'payout',
    amount: 9_000,
    currency: 'eur',
    status,
    failure_code: failure,
    arrival_date: 1_790_000_000,
  });
  const facts: readonly (readonly [type: string, created: number, object: Record<string, unknown>])[] = [
    ['payment_intent.created', 100, intent],
    ['payment_intent.payment_failed', 101, { ...intent, last_payment_error: { code: 'card_declined' } }],
    [
      'payment_intent.amount_capturable_updated',
      101,
      { ...intent, amount_capturable: 10_000, latest_charge: 'ch_1', status: 'requires_capture' },
    ],
    [
      'payment_intent.succeeded',
      101,
      { ...intent, amount_received: 10_000, latest_charge: 'ch_1', status: 'succeeded' },
    ],
    [
      'charge.captured',
      101,
      {
        id: 'ch_1',
        object: 'charge',
        amount: 10_000,
        amount_captured: 10_000,
        amount_refunded: 0,
        captured: true,
        currency: 'eur',
        paid: true,
        refunded: false,
        status: 'succeeded',
        payment_intent: 'pi_1',
      },
    ],
    ['refund.created', 110, refund('re_1', 'succeeded', 2_500)],
    ['refund.created', 111, refund('re_2', 'pending', 1_000)],
    ['refund.failed', 120, refund('re_2', 'failed', 1_000)],
    ['charge.dispute.created', 130, dispute('needs_response')],
    ['charge.dispute.closed', 130, dispute('lost')],
    ['payout.paid', 140, payout('paid', null)],
    ['payout.failed', 150, payout('failed', 'account_closed')],
  ];
  return facts.map(([type, created, object], index) => {
    const id = `evt_${index}`;
    return {
      id,
      type,
      body: JSON.stringify({
        id,
        object: 'event',
        api_version: '2026-01-28',
        created: 1_790_000_000 + created,
        livemode: false,
        pending_webhooks: 0,
        type,
        data: { object },
        request: null,
      }),
    };
  });
}

/** Events that know the payment by its order, its authorization, its capture or its refund alone. */
function paypalEvents(): readonly ProviderEvent[] {
  const money = (value: string) => ({ currency_code: 'USD', value });
  const at = (second: number) => `2026-03-01T12:00:${String(second).padStart(2, '0')}Z`;
  const up = (kind: string, id: string) => ({
    links: [{ rel: 'up', method: 'GET', href: `https://api.paypal.com/v2/payments/${kind}/${id}` }],
  });
  const facts: readonly (readonly [
    type: string,
    resourceType: string,
    second: number,
    resource: Record<string, unknown>,
  ])[] = [
    [
      'CHECKOUT.ORDER.APPROVED',
      'checkout-order',
      1,
      {
        id: 'ORDER1',
        status: 'APPROVED',
        intent: 'AUTHORIZE',
        create_time: at(1),
        purchase_units: [{ amount: money('80.00') }],
      },
    ],
    [
      'PAYMENT.AUTHORIZATION.CREATED',
      'authorization',
      2,
      {
        id: 'AUTH1',
        status: 'CREATED',
        amount: money('80.00'),
        create_time: at(2),
        update_time: at(2),
        supplementary_data: { related_ids: { order_id: 'ORDER1' } },
      },
    ],
    [
      'PAYMENT.CAPTURE.PENDING',
      'capture',
      3,
      {
        id: 'CAP1',
        status: 'PENDING',
        amount: money('80.00'),
        create_time: at(3),
        update_time: at(3),
        ...up('authorizations', 'AUTH1'),
      },
    ],
    [
      'PAYMENT.CAPTURE.COMPLETED',
      'capture',
      4,
      {
        id: 'CAP1',
        status: 'COMPLETED',
        amount: money('80.00'),
        create_time: at(3),
        update_time: at(4),
        ...up('authorizations', 'AUTH1'),
      },
    ],
    [
      'PAYMENT.CAPTURE.REFUNDED',
      'refund',
      5,
      {
        id: 'REF1',
        status: 'COMPLETED',
        amount: money('30.00'),
        create_time: at(5),
        update_time: at(5),
        ...up('captures', 'CAP1'),
      },
    ],
    [
      'CUSTOMER.DISPUTE.CREATED',
      'dispute',
      6,
      {
        dispute_id: 'PP-D-1',
        create_time: at(6),
        update_time: at(6),
        status: 'OPEN',
        reason: 'UNAUTHORISED',
        dispute_amount: money('50.00'),
        disputed_transactions: [{ seller_transaction_id: 'CAP1' }],
      },
    ],
    [
      'CUSTOMER.DISPUTE.RESOLVED',
      'dispute',
      7,
      {
        dispute_id: 'PP-D-1',
        create_time: at(6),
        update_time: at(7),
        status: 'RESOLVED',
        reason: 'UNAUTHORISED',
        dispute_outcome: { outcome_code: 'RESOLVED_SELLER_FAVOUR' },
        dispute_amount: money('50.00'),
        disputed_transactions: [{ seller_transaction_id: 'CAP1' }],
      },
    ],
  ];
  return facts.map(([type, resourceType, second, resource], index) => {
    const id = `WH-${index}`;
    return {
      id,
      type,
      body: JSON.stringify({
        id,
        event_version: '1.0',
        create_time: at(second),
        resource_type: resourceType,
        resource_version: '2.0',
        event_type: type,
        summary: '',
        resource,
        links: [],
      }),
    };
  });
}
