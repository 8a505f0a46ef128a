import { expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import { conformsTo } from '../testing/conformance.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { square } from './provider.ts';
import { signSquareRequest } from './sign.ts';
import { createSquareVerifier } from './verify.ts';

const notificationUrl = 'https://example.com/webhooks/square';

conformsTo({
  provider: square,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets, notificationUrl }),
  secret: 'Ibxx_current_signature_key',
  otherSecret: 'Ibxx_previous_signature_key',
  body: Buffer.from(
    '{"merchant_id":"MLEFBHHSJGVHD","type":"payment.updated","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2026-03-01T11:59:58.123Z","data":{"type":"payment","id":"p1"}}',
  ),
  sign: (body, { secret }) => {
    const { 'x-square-hmacsha256-signature': signature = '' } = signSquareRequest({ body, secret, notificationUrl });
    return { method: 'POST', headers: { 'x-square-hmacsha256-signature': [signature] }, query: '', body };
  },
  signatureHeader: 'x-square-hmacsha256-signature',
  encoding: 'base64',
  several: null,
  many: null,
  eventIdAt: { path: ['event_id'], without: 'malformed' },
  windowSeconds: null,
  expected: {
    eventId: 'ac3ac95b-f97d-458c-a6e6-18981597e05f',
    type: 'payment.updated',
    occurredAt: new Date('2026-03-01T11:59:58.123Z'),
    providerAccount: 'MLEFBHHSJGVHD',
  },
});

test.each(published.vectors)('the published signature of $src verifies', async ({ key, url, body, signature }) => {
  const verify = createSquareVerifier({ secrets: [key], notificationUrl: url });
  const request = {
    method: 'POST',
    headers: { 'x-square-hmacsha256-signature': [signature] },
    query: '',
    body: Buffer.from(body),
  };
  expect(await verify(request, new Date())).toMatchObject({ kind: 'verified', keyId: keyNameOf(key) });
});

test('the same body sent to another URL is refused', async () => {
  const body = Buffer.from('{"event_id":"e","type":"payment.updated"}');
  const headers = signSquareRequest({ body, secret: 'Ibxx_key', notificationUrl: 'https://example.com/other' });
  const request = {
    method: 'POST',
    headers: { 'x-square-hmacsha256-signature': [headers['x-square-hmacsha256-signature'] ?? ''] },
    query: '',
    body,
  };
  const verify = createSquareVerifier({ secrets: ['Ibxx_key'], notificationUrl });
  expect(await verify(request, new Date())).toMatchObject({ kind: 'rejected', code: 'signature_mismatch' });
});

test('an event without time or merchant is verified, and says so', async () => {
  const body = Buffer.from('{"event_id":"e","type":"payment.updated"}');
  const headers = signSquareRequest({ body, secret: 'Ibxx_key', notificationUrl });
  const request = {
    method: 'POST',
    headers: { 'x-square-hmacsha256-signature': [headers['x-square-hmacsha256-signature'] ?? ''] },
    query: '',
    body,
  };
  const verify = createSquareVerifier({ secrets: ['Ibxx_key'], notificationUrl });
  expect(await verify(request, new Date())).toMatchObject({
    kind: 'verified',
    events: [{ eventId: 'e', occurredAt: null, providerAccount: null }],
  });
});
