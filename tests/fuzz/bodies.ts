import * as z from 'zod';
import { adyenNotification, signAdyenItem } from '@penstock/core/providers/adyen/sign';
import { authorisation, secret as adyenSecret } from '@penstock/core/providers/adyen/testing';
import type { SignedRequest } from '@penstock/core/signed-request';
import { bodyOf } from './corpus.ts';
import { mutateJson } from './mutate-json.ts';
import type { Random } from './random.ts';
import { requestOf } from './target.ts';

/** A thin event of Stripe's, after stripe-node's types. */
export const thinEvent: Buffer = bodyOf({
  id: 'evt_test_65R',
  object: 'v2.core.event',
  type: 'v1.payment_intent.succeeded',
  created: '2026-03-01T11:59:58.123Z',
  livemode: false,
  related_object: { id: 'pi_1', type: 'payment_intent', url: '/v1/payment_intents/pi_1' },
});

/** Items of each kind of statement. */
export const adyenItems: readonly Readonly<Record<string, unknown>>[] = [
  'AUTHORISATION',
  'CAPTURE',
  'REFUND',
  'CHARGEBACK',
  'PAYOUT_THIRDPARTY',
  'REPORT_AVAILABLE',
].map((eventCode) => ({
  ...authorisation,
  eventCode,
  originalReference: eventCode === 'AUTHORISATION' ? '' : '9913140798220028',
}));

const notification = z.object({
  notificationItems: z.array(z.object({ NotificationRequestItem: z.record(z.string(), z.unknown()) })),
});

export function itemsOf(body: Buffer): readonly Readonly<Record<string, unknown>>[] {
  const parsed = notification.safeParse(parse(body));
  return parsed.success ? parsed.data.notificationItems.map((each) => each.NotificationRequestItem) : [];
}

/** A notification with each of its items signed; a body that is none is left as it is. */
export function signAdyenBody(body: Buffer): SignedRequest {
  const items = itemsOf(body).flatMap((item) => signable(item));
  return requestOf(
    { 'content-type': 'application/json' },
    items.length === 0 ? body : adyenNotification(items, { live: false }),
  );
}

/** An item as it is stored: signed, and then something in it changed. */
export function adyenItem(random: Random): Buffer {
  const [first = {}, ...rest] = adyenItems.flatMap((item) => signable(item));
  return mutateJson(bodyOf(random.pick([first, ...rest])), random);
}

function signable(item: Readonly<Record<string, unknown>>): readonly Readonly<Record<string, unknown>>[] {
  try {
    return [signAdyenItem({ item, secret: adyenSecret })];
  } catch {
    return [];
  }
}

/** Braintree's documents, after braintree_node's sample notifications. */
export const braintreeDocuments: readonly Buffer[] = [
  ['check', '<check type="boolean">true</check>'],
  [
    'transaction_settled',
    '<transaction><id>tr1</id><status>settled</status><type>sale</type><currency-iso-code>EUR</currency-iso-code><amount>12.00</amount><updated-at type="datetime">2026-03-01T11:59:58Z</updated-at></transaction>',
  ],
  [
    'dispute_opened',
    '<dispute><id>dp1</id><status>open</status><kind>chargeback</kind><currency-iso-code>EUR</currency-iso-code><amount-disputed>12.00</amount-disputed><transaction><id>tr1</id><amount>12.00</amount></transaction></dispute>',
  ],
].map(([kind, subject]) =>
  Buffer.from(
    `<notification><timestamp type="datetime">2026-03-01T11:59:58Z</timestamp><kind>${kind}</kind><subject>${subject}</subject></notification>`,
  ),
);

/** What a form's payload is; the whole body where there is none. */
export function payloadOf(body: Buffer): string {
  const payload = new URLSearchParams(body.toString('latin1')).get('bt_payload');
  return (payload ?? body.toString('latin1')).replace(/\n$/, '');
}

const gocardlessLinks = { payment: 'PM123', refund: 'RF123', payout: 'PO123', organisation: 'OR123' };

/** One event of a request, as it is stored. */
export const gocardlessItem: Buffer = bodyOf({
  id: 'EV1',
  created_at: '2026-03-01T11:59:58.123Z',
  resource_type: 'payments',
  action: 'confirmed',
  links: gocardlessLinks,
});

export const gocardlessEvents: readonly Buffer[] = [['EV1'], ['EV2', 'EV3', 'EV4']].map((ids) =>
  bodyOf({
    events: ids.map((id, position) => ({
      id,
      created_at: '2026-03-01T11:59:58.123Z',
      resource_type: ['payments', 'refunds', 'payouts'][position] ?? 'payments',
      action: ['confirmed', 'paid', 'paid'][position] ?? 'confirmed',
      links: gocardlessLinks,
      details: { origin: 'gocardless', cause: 'payment_confirmed', description: 'Enough time has passed.' },
    })),
    meta: { webhook_id: 'WB123' },
  }),
);

export const paddleEvents: readonly Buffer[] = ['transaction.paid', 'transaction.completed', 'adjustment.created'].map(
  (type) =>
    bodyOf({
      event_id: 'evt_01hv8x29mtm3f42a00bp5v8va9',
      event_type: type,
      occurred_at: '2026-03-01T11:59:58.858999Z',
      data: {
        id: 'txn_01hv8wptq8987qeep44cyrewp9',
        transaction_id: 'txn_01hv8wptq8987qeep44cyrewp9',
        action: 'refund',
        status: 'completed',
        currency_code: 'EUR',
        details: { totals: { grand_total: '1200', total: '1200', currency_code: 'EUR' } },
        totals: { total: '500', currency_code: 'EUR' },
      },
    }),
);

export const razorpayEvents: readonly Buffer[] = [
  'payment.captured',
  'payment.failed',
  'refund.processed',
  'payment.dispute.created',
].map((event) =>
  bodyOf({
    entity: 'event',
    account_id: 'acc_BFQ7uQEaa7j2z7',
    event,
    contains: ['payment'],
    payload: {
      payment: {
        entity: {
          id: 'pay_1',
          amount: 500,
          currency: 'INR',
          status: 'captured',
          amount_refunded: 0,
          created_at: 1_772_366_390,
        },
      },
      refund: {
        entity: {
          id: 'rfnd_1',
          payment_id: 'pay_1',
          amount: 100,
          currency: 'INR',
          status: 'processed',
          created_at: 1_772_366_390,
        },
      },
      dispute: {
        entity: {
          id: 'disp_1',
          payment_id: 'pay_1',
          amount: 500,
          currency: 'INR',
          status: 'open',
          created_at: 1_772_366_390,
        },
      },
    },
    created_at: 1_772_366_398,
  }),
);

export const shopifyEvents: readonly Buffer[] = [
  bodyOf({
    id: 450_789_469,
    admin_graphql_api_id: 'gid://shopify/Order/450789469',
    updated_at: '2026-03-01T06:59:58-05:00',
    financial_status: 'paid',
    total_price: '12.00',
    currency: 'EUR',
  }),
  bodyOf({
    id: 890_088_186,
    admin_graphql_api_id: 'gid://shopify/Refund/890088186',
    order_id: 450_789_469,
    created_at: '2026-03-01T06:59:58-05:00',
    transactions: [{ id: 1, amount: '5.00', currency: 'EUR', kind: 'refund', status: 'success' }],
  }),
];

export const squareEvents: readonly Buffer[] = [
  [
    'payment.updated',
    {
      payment: {
        id: 'p1',
        status: 'COMPLETED',
        created_at: '2026-03-01T11:59:50Z',
        total_money: { amount: 1_200, currency: 'EUR' },
      },
    },
  ],
  [
    'refund.updated',
    {
      refund: {
        id: 'r1',
        status: 'COMPLETED',
        created_at: '2026-03-01T11:59:50Z',
        payment_id: 'p1',
        amount_money: { amount: 500, currency: 'EUR' },
      },
    },
  ],
  [
    'dispute.created',
    {
      dispute: {
        id: 'd1',
        state: 'EVIDENCE_REQUIRED',
        created_at: '2026-03-01T11:59:50Z',
        disputed_payment: { payment_id: 'p1' },
      },
    },
  ],
].map(([type, object]) =>
  bodyOf({
    merchant_id: 'MLEFBHHSJGVHD',
    type,
    event_id: 'ac3ac95b-f97d-458c-a6e6-18981597e05f',
    created_at: '2026-03-01T11:59:58.123Z',
    data: { type: 'payment', id: 'p1', object },
  }),
);

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
