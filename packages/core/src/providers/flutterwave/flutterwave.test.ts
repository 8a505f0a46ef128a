import { expect, test } from 'vitest';
import { confirmsTo } from '../testing/confirmation.ts';
import { knowsItsToken } from '../testing/static-token.ts';
import { flutterwave } from './provider.ts';
import { signFlutterwaveRequest } from './sign.ts';
import { translateFlutterwaveAnswer } from './translate.ts';

const charge = {
  id: 288_200_108,
  tx_ref: 'LiveCardTest',
  flw_ref: 'FLW275407301',
  amount: 100,
  currency: 'NGN',
  status: 'successful',
  processor_response: 'Approved by Financial Institution',
  created_at: '2020-07-15T14:31:16.000Z',
};
const body = bodyOf({ event: 'charge.completed', data: charge });
const event = {
  eventId: '288200108.1',
  type: 'charge.completed',
  tier: 'none',
  providerAccount: null,
  receivedAt: new Date(0),
  body,
} as const;

knowsItsToken({
  provider: flutterwave,
  secret: 'secret-hash-of-the-dashboard-one',
  otherSecret: 'secret-hash-of-the-dashboard-two',
  header: 'verif-hash',
  valueOf: (token) => signFlutterwaveRequest(token)['verif-hash'] ?? '',
  body,
  expected: { eventId: `288200108.${Date.parse('2026-03-01T12:00:00Z')}`, type: 'charge.completed' },
});

confirmsTo({
  provider: flutterwave,
  settings: { secretKey: 'FLWSECK_TEST-key' },
  credential: 'secretKey',
  event,
  silent: { ...event, type: 'transfer.completed', body: bodyOf({ event: 'transfer.completed', data: { id: 1 } }) },
  asks: { path: '/v3/transactions/288200108/verify', authorization: 'Bearer FLWSECK_TEST-key' },
  answer: { status: 'success', message: 'Transaction fetched successfully', data: charge },
  otherAnswer: { status: 'success', data: { ...charge, id: 1 } },
  facts: [
    {
      kind: 'payment',
      occurredAtMs: Date.parse('2020-07-15T14:31:16.000Z'),
      references: ['payment:288200108'],
      status: 'captured',
      amount: 10_000,
      currency: 'NGN',
      captured: { key: '288200108', amount: 10_000 },
    },
  ],
});

test.each([
  ['failed', { status: 'failed', failureCode: 'Insufficient funds' }],
  ['pending', { status: 'pending' }],
])('a transaction that is %s', (status, expected) => {
  const data = { ...charge, status, processor_response: 'Insufficient funds' };
  expect(translateFlutterwaveAnswer(body, bodyOf({ data }))).toMatchObject([expected]);
});

function bodyOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
