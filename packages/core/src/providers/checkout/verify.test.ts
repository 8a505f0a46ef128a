import { expect, test } from 'vitest';
import { conformsTo } from '../testing/conformance.ts';
import { events } from './fixtures/events.ts';
import { checkout } from './provider.ts';
import { signCheckoutRequest } from './sign.ts';
import { createCheckoutVerifier } from './verify.ts';

const secret = 'a5b1c2d3-signature-key';

conformsTo({
  provider: checkout,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'f6e7d8c9-signature-key',
  body: Buffer.from(JSON.stringify(events.voided)),
  sign: (body, options) => {
    const { 'cko-signature': signature = '' } = signCheckoutRequest({ body, secret: options.secret });
    return { method: 'POST', headers: { 'cko-signature': [signature] }, query: '', body };
  },
  signatureHeader: 'cko-signature',
  encoding: 'hex',
  several: null,
  many: null,
  eventIdAt: { path: ['id'], without: 'malformed' },
  windowSeconds: null,
  expected: {
    eventId: 'evt_m4dpgk7o3xtedhv3diloora7w4',
    type: 'payment_voided',
    occurredAt: new Date('2023-05-24T09:19:40.625Z'),
    providerAccount: null,
  },
});

test('an event dated by `timestamp` is dated, and its version is known', async () => {
  const body = Buffer.from(JSON.stringify(events.captured));
  const headers = { 'cko-signature': [signCheckoutRequest({ body, secret })['cko-signature'] ?? ''] };
  const verify = createCheckoutVerifier({ secrets: [secret] });
  expect(await verify({ method: 'POST', headers, query: '', body }, new Date())).toMatchObject({
    events: [{ occurredAt: new Date('2023-05-24T09:12:32.357Z'), apiVersion: '1.0.29' }],
  });
});
