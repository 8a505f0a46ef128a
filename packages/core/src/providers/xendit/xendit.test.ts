import { expect, test } from 'vitest';
import capture from './fixtures/payment-capture.json' with { type: 'json' };
import refund from './fixtures/refund.json' with { type: 'json' };
import { keyNameOf } from '../../rotating-secrets.ts';
import { confirmsTo } from '../testing/confirmation.ts';
import { knowsItsToken } from '../testing/static-token.ts';
import { xendit } from './provider.ts';
import { signXenditRequest } from './sign.ts';
import { translateXenditAnswer } from './translate.ts';
import { createXenditVerifier } from './verify.ts';

const secret = 'verification-token-of-forty-characters-1';
const body = Buffer.from(JSON.stringify(capture));
const event = {
  eventId: 'py-1fdaf346-dd2e-4b6c-b938-124c7167a822.1',
  type: 'payment.capture',
  tier: 'none',
  providerAccount: null,
  receivedAt: new Date(0),
  body,
} as const;

knowsItsToken({
  provider: xendit,
  secret,
  otherSecret: 'verification-token-of-forty-characters-2',
  header: 'x-callback-token',
  valueOf: (token) => signXenditRequest(token)['x-callback-token'] ?? '',
  body,
  expected: {
    eventId: `py-1fdaf346-dd2e-4b6c-b938-124c7167a822.${Date.parse('2026-03-01T12:00:00Z')}`,
    type: 'payment.capture',
  },
});

confirmsTo({
  provider: xendit,
  settings: { apiKey: 'xnd_development_key' },
  credential: 'apiKey',
  event,
  silent: { ...event, type: 'payment_token.activation', body: bodyOf({ event: 'payment_token.activation', data: {} }) },
  asks: {
    path: '/v3/payments/py-1fdaf346-dd2e-4b6c-b938-124c7167a822',
    authorization: `Basic ${Buffer.from('xnd_development_key:').toString('base64')}`,
  },
  answer: capture.data,
  otherAnswer: { ...capture.data, payment_id: 'py-other' },
  facts: [
    {
      kind: 'payment',
      occurredAtMs: Date.parse('2021-12-02T14:52:21.566Z'),
      references: ['payment:py-1fdaf346-dd2e-4b6c-b938-124c7167a822', 'order:pr-1fdaf346-dd2e-4b6c-b938-124c7167a822'],
      status: 'captured',
      amount: 1_000_000,
      currency: 'IDR',
      captured: { key: 'py-1fdaf346-dd2e-4b6c-b938-124c7167a822', amount: 1_000_000 },
    },
  ],
});

test('a notification that names nothing to ask for is an event of its own, with the time it tells', async () => {
  const verify = createXenditVerifier({ secrets: [secret] });
  const at = new Date('2026-03-01T12:00:00Z');
  const notify = async (value: unknown) =>
    verify({ method: 'POST', query: '', headers: { 'x-callback-token': [secret] }, body: bodyOf(value) }, at);
  expect(await notify({ event: 'payment_token.activation', business_id: 'b1', created: at })).toEqual({
    kind: 'verified',
    tier: 'none',
    keyId: keyNameOf(secret),
    transmissionId: null,
    events: [
      {
        eventId: `event.${at.getTime()}`,
        type: 'payment_token.activation',
        occurredAt: at,
        livemode: null,
        apiVersion: null,
        providerAccount: 'b1',
      },
    ],
  });
  expect(await notify({ event: 'a', created: 'soon', business_id: 'no id' })).toMatchObject({
    events: [{ occurredAt: null, providerAccount: null }],
  });
});

test('a refund and an invoice are told by what Xendit answers about them', () => {
  const refunded = bodyOf({ event: 'refund.succeeded', data: { id: refund.refund_id } });
  expect(translateXenditAnswer(refunded, bodyOf(refund))).toMatchObject([
    {
      kind: 'refund',
      id: refund.refund_id,
      references: [`payment:${refund.payment_id}`],
      status: 'succeeded',
      amount: 1_000_000,
    },
  ]);
  const invoiced = bodyOf({ id: '579c8d61f23fa4ca35e52da4', external_id: 'invoice_123', status: 'PAID' });
  const invoice = { id: '579c8d61f23fa4ca35e52da4', amount: 50_000.5, created: '2026-03-01T12:00:00Z' };
  expect(translateXenditAnswer(invoiced, bodyOf({ ...invoice, status: 'EXPIRED', currency: 'PHP' }))).toMatchObject([
    { status: 'expired', amount: 5_000_050, currency: 'PHP' },
  ]);
  expect(
    translateXenditAnswer(invoiced, bodyOf({ ...invoice, status: 'PAID', paid_at: '2026-03-02T12:00:00Z' })),
  ).toMatchObject([{ status: 'captured', occurredAtMs: Date.parse('2026-03-02T12:00:00Z'), currency: 'IDR' }]);
});

test('a status that Xendit may add one day says nothing, and is no error', () => {
  const [fact] = translateXenditAnswer(body, bodyOf({ ...capture.data, status: 'ON_THE_MOON' }));
  expect(fact).not.toHaveProperty('status');
});

function bodyOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
