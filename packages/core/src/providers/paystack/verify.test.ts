import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { conformsTo } from '../testing/conformance.ts';
import { events } from './fixtures/events.ts';
import { paystack } from './provider.ts';
import { signPaystackRequest } from './sign.ts';
import { createPaystackVerifier } from './verify.ts';

const secret = 'sk_live_current_0123456789abcdef';

function requestOf(body: Buffer, signature: string) {
  return { method: 'POST', headers: { 'x-paystack-signature': [signature] }, query: '', body };
}

function signed(body: Buffer, key: string = secret) {
  return requestOf(body, signPaystackRequest({ body, secret: key })['x-paystack-signature'] ?? '');
}

async function described(event: unknown) {
  const verification = await createPaystackVerifier({ secrets: [secret] })(
    signed(Buffer.from(JSON.stringify(event))),
    new Date(),
  );
  return verification.kind === 'verified' ? verification.events[0] : verification;
}

conformsTo({
  provider: paystack,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'sk_live_previous_fedcba9876543210',
  body: Buffer.from(JSON.stringify(events.chargeSuccess)),
  sign: (body, { secret: key }) => signed(body, key),
  signatureHeader: 'x-paystack-signature',
  encoding: 'hex',
  several: null,
  many: null,
  eventIdAt: { path: ['data', 'id'], without: 'verified' },
  windowSeconds: null,
  expected: {
    eventId: 'charge.success:302961',
    type: 'charge.success',
    occurredAt: new Date('2016-09-30T21:10:19.000Z'),
    providerAccount: null,
  },
});

/** The documented handler: `createHmac('sha512', secret).update(req.rawBody).digest('hex')`. */
function signedAsDocumented(body: Buffer): string {
  return createHmac('sha512', secret).update(body).digest('hex');
}

test("what the documentation's own lines sign is genuine here, and the other way round", async () => {
  const verify = createPaystackVerifier({ secrets: [secret] });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const body = Buffer.from(bytes);
      const { kind } = await verify(requestOf(body, signedAsDocumented(body)), new Date());
      expect(['verified', 'malformed']).toContain(kind);
      expect(signPaystackRequest({ body, secret })['x-paystack-signature']).toBe(signedAsDocumented(body));
    }),
  );
});

test('a SHA-256 HMAC under the right key is refused for its length', async () => {
  const body = Buffer.from('{"event":"charge.success","data":{"id":1}}');
  const short = createHmac('sha256', secret).update(body).digest('hex');
  const verify = createPaystackVerifier({ secrets: [secret] });
  expect(await verify(requestOf(body, short), new Date())).toMatchObject({ code: 'signature_malformed' });
});

test.each([
  ['charge.dispute.create:358950', events.disputeCreated],
  ['charge.dispute.resolve:358949', events.disputeResolved],
  ['transfer.success:860703114', events.transferSuccess],
  ['transfer.reversed:20615868', events.transferReversed],
])('what happens to an object once is named %s', async (eventId, event) => {
  expect(await described(event)).toMatchObject({ eventId, type: event.event });
});

test.each([
  ['a reminder', { ...events.disputeCreated, event: 'charge.dispute.remind' }],
  ['a refund on its way', events.refundProcessing],
  ['a refund with an id', events.refundNeedsAttention],
  ['a list of expiring cards', { event: 'subscription.expiring_cards', data: [{ expiry_date: '12/2030' }] }],
])('%s can come again and goes by its hash', async (_what, event) => {
  expect(await described(event)).toMatchObject({ eventId: null, type: event.event });
});

test('live and test events are told apart, and others are neither', async () => {
  expect(await described(events.chargeSuccess)).toMatchObject({ livemode: true });
  expect(await described(events.transferSuccess)).toMatchObject({ livemode: false });
  expect(await described({ event: 'x.y', data: { domain: 'moon', created_at: 'soon', id: {} } })).toMatchObject({
    eventId: null,
    livemode: null,
    occurredAt: null,
  });
});

test.each([
  ['charge.success', { paid_at: 1, updated_at: 2, created_at: 3 }, 1],
  ['charge.success', { updated_at: 2, created_at: 3 }, 2],
  ['charge.success', { createdAt: 3 }, 3],
  ['transfer.failed', { paid_at: 1, updated_at: 2, created_at: 3 }, 2],
  ['transfer.failed', { updatedAt: 2, createdAt: 3 }, 2],
  ['transfer.failed', { paid_at: 1, created_at: 3 }, 3],
  ['transfer.failed', { paid_at: 1 }, null],
])('%s with %j happened at the time that changed it last: %s', async (event, days, expected) => {
  const timeOf = (day: number) => `2026-03-0${day}T00:00:00.000Z`;
  const data = Object.fromEntries(Object.entries(days).map(([name, day]) => [name, timeOf(day)]));
  const occurredAt = expected === null ? null : new Date(timeOf(expected));
  expect(await described({ event, data })).toMatchObject({ type: event, occurredAt });
});

test('both spellings of the time are read', async () => {
  expect(await described(events.transferSuccess)).toMatchObject({ occurredAt: new Date('2025-08-04T10:32:40.000Z') });
  expect(await described(events.transferReversed)).toMatchObject({ occurredAt: new Date('2020-03-24T07:14:55.000Z') });
});
