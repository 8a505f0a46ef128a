import { describe, expect, test } from 'vitest';
import type { Verifier } from '../../provider.ts';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import payment from './fixtures/payment.json' with { type: 'json' };
import { conformsTo } from '../testing/conformance.ts';
import { withReason } from '../testing/with-reason.ts';
import { mollie } from './provider.ts';
import { signMollieRequest } from './sign.ts';
import { createMollieVerifier } from './verify.ts';

const secret = 'next-gen-signing-secret-one';
const otherSecret = 'next-gen-signing-secret-two';
const body = Buffer.from(
  JSON.stringify({
    resource: 'event',
    id: 'event_GvJ8WHrp5isUdRub9CJyH',
    type: 'payment.paid',
    entityId: payment.id,
    createdAt: '2026-03-01T11:59:58+00:00',
    _embedded: { entity: payment },
  }),
);

conformsTo({
  provider: mollie,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret,
  body,
  sign: (signed, options) => requestOf(signed, [options.secret]),
  signatureHeader: 'x-mollie-signature',
  encoding: 'hex',
  several: (values) => values,
  many: null,
  eventIdAt: { path: ['id'], without: 'malformed' },
  windowSeconds: null,
  expected: {
    eventId: 'event_GvJ8WHrp5isUdRub9CJyH',
    type: 'payment.paid',
    occurredAt: new Date('2026-03-01T11:59:58Z'),
    providerAccount: null,
  },
});

describe('while a secret is changed', () => {
  const verify: Verifier = async (request, at) =>
    withReason(await createMollieVerifier({ secrets: [secret] })(request, at), secret);
  const withHeaders = (values: readonly string[]): SignedRequest => ({
    ...requestOf(body, [secret]),
    headers: { 'x-mollie-signature': values },
  });
  const [signed = ''] = requestOf(body, [secret]).headers['x-mollie-signature'] ?? [];

  test('the header comes twice, and one of the two is enough, in one line or in two', async () => {
    const both = requestOf(body, [otherSecret, secret]);
    const joined = (both.headers['x-mollie-signature'] ?? []).join(', ');
    for (const request of [both, { ...both, headers: { ...both.headers, 'x-mollie-signature': [joined] } }])
      expect(await verify(request, new Date())).toMatchObject({ kind: 'verified', keyId: keyNameOf(secret) });
  });

  test('more than Mollie sends is refused before any is computed', async () => {
    const many = Array.from({ length: 5 }, () => secret);
    expect(await verify(requestOf(body, many.slice(1)), new Date())).toMatchObject({ kind: 'verified' });
    expect(await verify(requestOf(body, many), new Date())).toMatchObject({ code: 'signature_malformed' });
    const longest = signed.padEnd(1_024);
    expect(await verify(withHeaders([longest]), new Date())).toMatchObject({ kind: 'verified' });
    for (const values of [[`${longest} `], [signed, `${longest} `]])
      expect(await verify(withHeaders(values), new Date())).toMatchObject({ code: 'signature_malformed' });
  });

  test('an empty line beside the signature is none; anything else that is no signature refuses the request', async () => {
    for (const values of [
      ['', signed],
      [signed, ''],
    ])
      expect(await verify(withHeaders(values), new Date())).toMatchObject({ kind: 'verified' });
    for (const values of [[signed, 'x'], ['x', signed], [`${signed},`], [signed.replace(/^sha256=(..)/, '$1sha256=')]])
      expect(await verify(withHeaders(values), new Date())).toMatchObject({ code: 'signature_malformed' });
  });
});

describe('a classic webhook', () => {
  const token = 'a-token-of-32-random-characters!';
  const verify: Verifier = async (request, receivedAt) =>
    withReason(await createMollieVerifier({ tokens: [token] })(request, receivedAt), token);
  const at = new Date('2026-03-01T12:00:00Z');
  const classic = (query: string, text = `id=${payment.id}`): SignedRequest => ({
    method: 'POST',
    query,
    headers: { 'content-type': ['application/x-www-form-urlencoded'] },
    body: Buffer.from(text),
  });
  const known = classic(`token=${encodeURIComponent(token)}`);

  test('is taken with its token, of tier none, and each one is an event of its own', async () => {
    const verification = await verify(known, at);
    expect(verification).toMatchObject({
      kind: 'verified',
      tier: 'none',
      keyId: keyNameOf(token),
      events: [{ eventId: `${payment.id}.${at.getTime()}`, type: 'payment', occurredAt: null }],
    });
    const later = await verify(known, new Date(at.getTime() + 1));
    expect(later).not.toEqual(verification);
    expect(mollie.translate(known.body)).toEqual([]);
  });

  test('of another kind than a payment is told by the prefix of its id', async () => {
    for (const [id, type] of [
      ['ord_1', 'classic.ord'],
      ['trx_1', 'classic.trx'],
      [`tr_${'x'.repeat(64)}`, 'payment'],
    ])
      expect(await verify(classic(known.query, `id=${id}`), at)).toMatchObject({
        kind: 'verified',
        events: [{ type }],
      });
  });

  test('is taken with a token of 512 characters, and in a form of 1,024 bytes', async () => {
    const longest = 'x'.repeat(512);
    const form = `id=tr_1&more=`.padEnd(1_024, 'x');
    const verifyLongest = createMollieVerifier({ tokens: [longest] });
    expect(await verifyLongest(classic(`token=${longest}`, form), at)).toMatchObject({ kind: 'verified' });
    expect(await verifyLongest(classic(`token=${longest}`, `${form}x`), at)).toMatchObject({ kind: 'malformed' });
  });

  test.each([
    ['no token', '', 'signature_missing'],
    ['an empty token', 'token=', 'signature_missing'],
    ['a wrong token', 'token=another', 'signature_mismatch'],
    ['two tokens', 'token=a&token=b', 'signature_malformed'],
    ['a token without end', `token=${'x'.repeat(600)}`, 'signature_malformed'],
  ])('with %s is refused', async (_what, query, code) => {
    expect(await verify(classic(query), at)).toMatchObject({ kind: 'rejected', code });
  });

  test.each([
    '',
    'id=',
    'id=tr_1&id=tr_2',
    'id=../../customers',
    'id=tr_1%2F..%2Fx',
    'id=..%2Ftr_1',
    'id=t_1',
    'id=tr_',
    'id=customers_1',
    `id=tr_${'x'.repeat(65)}`,
    `id=tr_${'x'.repeat(2_000)}`,
    '{}',
  ])('whose form is %s is malformed', async (text) => {
    expect((await verify(classic(known.query, text), at)).kind).toBe('malformed');
  });

  test('is refused where only next-gen webhooks are expected, and the other way round', async () => {
    expect(await createMollieVerifier({ secrets: [secret] })(known, at)).toMatchObject({ code: 'signature_missing' });
    expect(await verify(requestOf(body, [secret]), at)).toMatchObject({ code: 'signature_mismatch' });
  });
});

function requestOf(signed: Buffer, secrets: readonly string[]): SignedRequest {
  return { method: 'POST', query: '', headers: signMollieRequest({ body: signed, secrets }), body: signed };
}
