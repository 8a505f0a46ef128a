import { flutterwave } from '@penstock/core/providers/flutterwave/provider';
import { signFlutterwaveRequest } from '@penstock/core/providers/flutterwave/sign';
import { mercadoPago } from '@penstock/core/providers/mercado-pago/provider';
import { signMercadoPagoRequest } from '@penstock/core/providers/mercado-pago/sign';
import { mollie } from '@penstock/core/providers/mollie/provider';
import { signMollieRequest } from '@penstock/core/providers/mollie/sign';
import { stripeCloud } from '@penstock/core/providers/stripe-cloud/provider';
import { wrapForEventBridge } from '@penstock/core/providers/stripe-cloud/sign';
import { xendit } from '@penstock/core/providers/xendit/provider';
import { signXenditRequest } from '@penstock/core/providers/xendit/sign';
import { bodyOf, stripeEvents } from './corpus.ts';
import { fuzzedAt, nothingSaid, requestOf, sameBody, type FuzzTarget } from './target.ts';

// The providers whose signature reaches less far than the body, or not at all.

const secret = 'a-signing-secret-of-the-fuzzer-one';
const otherSecret = 'a-signing-secret-of-the-fuzzer-two';
const two = { settings: { secrets: [secret] }, otherSettings: { secrets: [otherSecret] } };

/** After docs.mollie.com/reference/get-payment. */
const payment = {
  resource: 'payment',
  id: 'tr_5B8cwPMGnU6qLbRvo7qEZo',
  amount: { value: '75.00', currency: 'GBP' },
  amountRefunded: { value: '5.95', currency: 'GBP' },
  status: 'paid',
  createdAt: '2024-02-12T11:58:35+00:00',
  paidAt: '2024-02-12T12:01:04+00:00',
  _embedded: {
    refunds: [
      {
        id: 're_4qqhO89gsT',
        amount: { value: '5.95', currency: 'GBP' },
        status: 'pending',
        createdAt: '2024-02-13T09:00:00+00:00',
      },
    ],
    chargebacks: [
      {
        id: 'chb_xFzwUN4ci8HAmSGUACS4J',
        amount: { value: '69.05', currency: 'GBP' },
        createdAt: '2024-03-01T00:00:00+00:00',
        reversedAt: null,
      },
    ],
  },
};

export const mollieTarget: FuzzTarget = {
  ...two,
  provider: mollie,
  bodies: [
    bodyOf({
      resource: 'event',
      id: 'event_1',
      type: 'payment.paid',
      entityId: payment.id,
      createdAt: '2026-03-01T11:59:58Z',
      _embedded: { entity: payment },
    }),
    bodyOf({
      resource: 'event',
      id: 'event_2',
      type: 'payment.failed',
      entityId: payment.id,
      createdAt: '2026-03-01T11:59:58Z',
    }),
  ],
  sign: (body) => requestOf(signMollieRequest({ body, secrets: [secret] }), body),
  proves: sameBody,
  answers: [bodyOf(payment)],
};

export const mercadoPagoTarget: FuzzTarget = {
  ...two,
  provider: mercadoPago,
  bodies: [bodyOf({ id: 12_345, type: 'payment', action: 'payment.created', data: { id: '1320894723' } })],
  sign: (body) =>
    requestOf(
      signMercadoPagoRequest({ dataId: '1320894723', requestId: 'bb56a2f1', secret, signedAt: fuzzedAt }),
      body,
      'data.id=1320894723&type=payment',
    ),
  // The id and the request's are signed; the type is part of the event's name.
  proves: (_genuine, { body, event }) =>
    event.eventId?.endsWith('.1320894723.bb56a2f1') === true && mercadoPago.translate(body).length === 0,
  answers: [
    bodyOf({
      id: 1_320_894_723,
      status: 'approved',
      currency_id: 'BRL',
      transaction_amount: 58.8,
      date_created: '2026-03-01T08:00:00.000-04:00',
      refunds: [{ id: 1, amount: 1.5, status: 'approved', date_created: '2026-03-01T08:00:00.000-04:00' }],
    }),
  ],
};

export const flutterwaveTarget: FuzzTarget = {
  ...two,
  provider: flutterwave,
  bodies: [bodyOf({ event: 'charge.completed', data: { id: 288_200_108, status: 'successful' } })],
  sign: (body) => requestOf(signFlutterwaveRequest(secret), body),
  proves: nothingSaid(flutterwave),
  answers: [
    bodyOf({
      status: 'success',
      data: {
        id: 288_200_108,
        status: 'successful',
        amount: 100.5,
        currency: 'NGN',
        created_at: '2020-07-15T14:31:16.000Z',
      },
    }),
  ],
};

export const stripeCloudTarget: FuzzTarget = {
  ...two,
  provider: stripeCloud,
  bodies: [
    wrapForEventBridge({ event: stripeEvents[0] ?? Buffer.alloc(0), token: secret }).body,
    wrapForEventBridge({ event: stripeEvents[1] ?? Buffer.alloc(0), token: secret }).body,
  ],
  sign: (body) => requestOf(wrapForEventBridge({ event: Buffer.from('{}'), token: secret }).headers, body),
  proves: nothingSaid(stripeCloud),
  answers: stripeEvents,
};

export const xenditTarget: FuzzTarget = {
  ...two,
  provider: xendit,
  bodies: [
    bodyOf({
      event: 'payment.capture',
      business_id: '6094fa',
      created: '2021-12-02T14:52:21.566Z',
      data: { payment_id: 'py-1', status: 'SUCCEEDED' },
    }),
    bodyOf({ id: '579c8d61f23fa4ca35e52da4', external_id: 'invoice_123', status: 'PAID' }),
  ],
  sign: (body) => requestOf(signXenditRequest(secret), body),
  proves: nothingSaid(xendit),
  answers: [
    bodyOf({
      payment_id: 'py-1',
      payment_request_id: 'pr-1',
      status: 'SUCCEEDED',
      request_amount: 10_000,
      currency: 'IDR',
      created: '2021-12-02T14:52:21.566Z',
    }),
    bodyOf({ id: '579c8d61f23fa4ca35e52da4', status: 'PAID', amount: 50_000, created: '2021-12-02T14:52:21.566Z' }),
  ],
};
