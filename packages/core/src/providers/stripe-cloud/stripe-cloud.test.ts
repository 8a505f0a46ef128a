import { expect, test } from 'vitest';
import * as z from 'zod';
import { keyNameOf } from '../../rotating-secrets.ts';
import { confirmsTo } from '../testing/confirmation.ts';
import { knowsItsToken } from '../testing/static-token.ts';
import { stripeCloud } from './provider.ts';
import { wrapForEventBridge } from './sign.ts';
import { createStripeCloudVerifier } from './verify.ts';

const secret = 'token-of-the-event-destination-one';
const charge = {
  id: 'ch_1',
  object: 'charge',
  amount: 1_200,
  amount_captured: 1_200,
  amount_refunded: 0,
  captured: true,
  currency: 'eur',
  paid: true,
  refunded: false,
  status: 'succeeded',
};
const snapshot = {
  id: 'evt_1',
  object: 'event',
  api_version: '2026-01-28.clover',
  created: 1_790_000_000,
  livemode: false,
  type: 'charge.succeeded',
  data: { object: charge },
};
const { body } = wrapForEventBridge({ event: bodyOf(snapshot), token: secret });
const event = {
  eventId: 'evt_1',
  type: 'charge.succeeded',
  tier: 'none',
  providerAccount: null,
  receivedAt: new Date(0),
  body: bodyOf(snapshot),
} as const;

knowsItsToken({
  provider: stripeCloud,
  secret,
  otherSecret: 'token-of-the-event-destination-two',
  header: 'authorization',
  valueOf: (token) => wrapForEventBridge({ event: Buffer.from('{}'), token }).headers['authorization'] ?? '',
  body,
  expected: { eventId: 'evt_1', type: 'charge.succeeded' },
});

confirmsTo({
  provider: stripeCloud,
  settings: { apiKey: 'rk_test_key' },
  credential: 'apiKey',
  event,
  silent: { ...event, body: bodyOf({ ...snapshot, object: 'v2.core.event', created: '2026-03-01T12:00:00Z' }) },
  asks: { path: '/v1/events/evt_1', authorization: 'Bearer rk_test_key' },
  answer: snapshot,
  otherAnswer: { ...snapshot, id: 'evt_2' },
  facts: [
    {
      kind: 'payment',
      occurredAtMs: 1_790_000_000_000,
      references: ['charge:ch_1'],
      status: 'captured',
      amount: 1_200,
      currency: 'EUR',
      captured: { key: 'total', amount: 1_200 },
      refundedTotal: 0,
    },
  ],
});

test('EventBridge’s and Event Grid’s envelopes are taken off, as Stripe’s own SDK takes them off', async () => {
  const { maybeExtractFromCloudProviderEnvelope } = await sdk();
  const azure = bodyOf({
    specversion: '1.0',
    type: 'com.stripe.charge.succeeded',
    source: 's',
    id: 'i',
    data: snapshot,
  });
  const verify = createStripeCloudVerifier({ secrets: [secret] });
  for (const envelope of [body, azure]) {
    const request = { method: 'POST', query: '', headers: { authorization: [`Bearer ${secret}`] }, body: envelope };
    const verification = await verify(request, new Date());
    expect(verification).toMatchObject({ kind: 'verified', events: [{ eventId: 'evt_1', livemode: false }] });
    const [told] = verification.kind === 'verified' ? verification.events : [];
    expect(JSON.parse(told?.body?.toString() ?? '')).toEqual(
      maybeExtractFromCloudProviderEnvelope(envelope.toString()),
    );
  }
});

test.each([
  `Basic ${secret}`,
  `bearer ${secret}`,
  `Bearer  ${secret}`,
  `Bearer ${secret} ${secret}`,
  `xBearer ${secret}`,
  'Bearer ',
  secret,
])('an authorization that is %j is no token', async (authorization) => {
  const request = { method: 'POST', query: '', headers: { authorization: [authorization] }, body };
  const verification = await createStripeCloudVerifier({ secrets: [secret] })(request, new Date());
  expect(verification).toEqual({
    kind: 'rejected',
    code: 'signature_malformed',
    reason: 'the authorization header is not Bearer <token>',
  });
});

test('an envelope around what is no event is malformed, and says where', async () => {
  const { type: _type, ...untyped } = snapshot;
  const wrapped = wrapForEventBridge({ event: bodyOf(untyped), token: secret });
  const request = {
    method: 'POST',
    query: '',
    headers: { authorization: [`Bearer ${secret}`] },
    body: wrapped.body,
  };
  expect(await createStripeCloudVerifier({ secrets: [secret] })(request, new Date())).toEqual({
    kind: 'malformed',
    tier: 'none',
    keyId: keyNameOf(secret),
    transmissionId: null,
    reason: 'the body is not an event of this provider: type',
  });
});

/** Not part of the package's exports. */
async function sdk() {
  const file = new URL('utils.js', import.meta.resolve('stripe'));
  return z
    .object({ maybeExtractFromCloudProviderEnvelope: z.custom<(payload: string) => unknown>() })
    .parse(await import(file.href));
}

function bodyOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
