import { sign as signAsGitHub, verify as acceptedByGitHub } from '@octokit/webhooks-methods';
import * as fc from 'fast-check';
import Razorpay from 'razorpay';
import { WebhooksHelper } from 'square';
import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { conformsTo } from '../testing/conformance.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { schemes } from './fixtures/schemes.ts';
import { genericHmac } from './provider.ts';
import { signGenericRequest } from './sign.ts';
import { createGenericHmacVerifier } from './verify.ts';

const now = new Date('2026-03-01T12:00:00Z');
const id = 'evt_1';
const body = Buffer.from(
  '{"id":"evt_1","event_id":"evt_1","type":"payment.paid","created":1772366390,"created_at":"2026-03-01T11:59:50Z","events":[{"kind":"payment.paid","at":1772366390000}]}',
);

function delivery(settings: unknown, given: { readonly body?: Buffer; readonly signedAt?: Date } = {}): SignedRequest {
  const signed = { settings, body: given.body ?? body, signedAt: given.signedAt ?? now, id };
  const headers = Object.entries(signGenericRequest(signed)).map(([name, value]) => [name, [value]] as const);
  return { method: 'POST', headers: Object.fromEntries(headers), query: '', body: signed.body };
}

const cases = [
  {
    name: 'stripe',
    tier: 'full',
    header: 'stripe-signature',
    encoding: 'hex',
    windowSeconds: 300,
    eventId: id,
    type: 'payment.paid',
  },
  {
    name: 'square',
    tier: 'body',
    header: 'x-square-hmacsha256-signature',
    encoding: 'base64',
    windowSeconds: null,
    eventId: id,
    type: 'payment.paid',
  },
  {
    name: 'razorpay',
    tier: 'body',
    header: 'x-razorpay-signature',
    encoding: 'hex',
    windowSeconds: null,
    eventId: id,
    type: 'unknown',
  },
  {
    name: 'signedId',
    tier: 'full',
    header: 'x-signature',
    encoding: 'base64',
    windowSeconds: 60,
    eventId: id,
    type: 'payment.paid',
  },
] as const;

for (const { name, tier, header, encoding, windowSeconds, eventId, type } of cases) {
  describe(`the scheme of ${name}`, () => {
    conformsTo({
      provider: genericHmac,
      tier,
      settingsWith: (secrets) => ({ ...schemes[name], secrets }),
      secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      otherSecret: 'C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
      body,
      sign: (given, { secret, at }) => delivery({ ...schemes[name], secrets: [secret] }, { body: given, signedAt: at }),
      signatureHeader: header,
      encoding,
      several:
        name === 'stripe'
          ? ([first = '', ...rest]) => [[first, ...rest.map((value) => value.split(',')[1] ?? '')].join(',')]
          : name === 'signedId'
            ? (values) => [values.join(' ')]
            : null,
      many: null,
      eventIdAt: null,
      windowSeconds,
      expected: {
        eventId,
        type,
        occurredAt: name === 'razorpay' ? null : new Date('2026-03-01T11:59:50Z'),
        providerAccount: null,
      },
    });
  });
}

test.each(published.vectors)('the published signature of $src verifies', async (vector) => {
  const scheme = Object.entries(schemes).find(([name]) => name === vector.scheme)?.[1];
  // Nothing is said of the body's own id and type: the vectors' bodies are not events.
  const verify = createGenericHmacVerifier({ ...scheme, event: {}, secrets: [vector.secret] });
  const headers = Object.entries(vector.headers).map(([name, value]) => [name, [value]] as const);
  const request = {
    method: 'POST',
    headers: Object.fromEntries(headers),
    query: '',
    body: Buffer.from(vector.body),
  };
  expect(await verify(request, new Date(vector.receivedAt))).toMatchObject({
    kind: 'verified',
    keyId: keyNameOf(vector.secret),
  });
});

describe('official SDKs as oracles, both ways', () => {
  const secret = 'a-signing-secret';
  const settingsOf = (name: 'stripe' | 'github' | 'square' | 'razorpay') => ({ ...schemes[name], secrets: [secret] });
  const text = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()).map((value) => JSON.stringify(value));
  const signatureOf = (request: SignedRequest, header: string): string => request.headers[header]?.[0] ?? '';
  const withHeader = (request: SignedRequest, header: string, value: string): SignedRequest => ({
    ...request,
    headers: { ...request.headers, [header]: [value] },
  });
  const genuine = async (settings: unknown, request: SignedRequest): Promise<boolean> =>
    (await createGenericHmacVerifier(settings)(request, now)).kind !== 'rejected';

  test('stripe', async () => {
    const { webhooks } = Stripe;
    const settings = settingsOf('stripe');
    await fc.assert(
      fc.asyncProperty(text, async (payload) => {
        const ours = delivery(settings, { body: Buffer.from(payload) });
        const timestamp = now.getTime() / 1000;
        const theirs = webhooks.generateTestHeaderString({ payload, secret, timestamp });
        expect(await genuine(settings, withHeader(ours, 'stripe-signature', theirs))).toBe(true);
        expect(
          webhooks.signature?.verifyHeader(
            payload,
            signatureOf(ours, 'stripe-signature'),
            secret,
            300,
            undefined,
            now.getTime(),
          ),
        ).toBe(true);
      }),
    );
  });

  test('github', async () => {
    const settings = settingsOf('github');
    await fc.assert(
      fc.asyncProperty(text, async (payload) => {
        const ours = delivery(settings, { body: Buffer.from(payload) });
        const theirs = await signAsGitHub(secret, payload);
        expect(await genuine(settings, withHeader(ours, 'x-hub-signature-256', theirs))).toBe(true);
        expect(await acceptedByGitHub(secret, payload, signatureOf(ours, 'x-hub-signature-256'))).toBe(true);
      }),
    );
  });

  test('square and razorpay, whose SDKs only verify', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (payload) => {
        const square = delivery(settingsOf('square'), { body: Buffer.from(payload) });
        const razorpay = delivery(settingsOf('razorpay'), { body: Buffer.from(payload) });
        expect(
          await WebhooksHelper.verifySignature({
            requestBody: payload,
            signatureHeader: signatureOf(square, 'x-square-hmacsha256-signature'),
            signatureKey: secret,
            notificationUrl: 'https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9',
          }),
        ).toBe(true);
        expect(Razorpay.validateWebhookSignature(payload, signatureOf(razorpay, 'x-razorpay-signature'), secret)).toBe(
          true,
        );
      }),
    );
  });
});

describe('what is signed', () => {
  const settings = { ...schemes.signedId, secrets: ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] };
  const verify = createGenericHmacVerifier(settings);

  test.each([
    ['x-id', ['evt_2'], 'signature_mismatch'],
    ['x-timestamp', [String(now.getTime() + 1)], 'signature_mismatch'],
    ['x-id', undefined, 'signature_malformed'],
    ['x-id', ['evt_1', 'evt_1'], 'signature_malformed'],
    ['x-id', ['evt 1'], 'signature_malformed'],
    ['x-timestamp', undefined, 'signature_malformed'],
    ['x-timestamp', ['-1'], 'signature_malformed'],
    ['x-timestamp', ['1e12'], 'signature_malformed'],
  ])('%s of %j is %s', async (name, values, code) => {
    const { headers, ...request } = delivery(settings);
    expect(await verify({ ...request, headers: { ...headers, [name]: values } }, now)).toMatchObject({ code });
  });

  test('two times in one header are refused: which was signed is anyone’s guess', async () => {
    const stripe = { ...schemes.stripe, secrets: ['whsec_1'] };
    const { headers, ...request } = delivery(stripe);
    const twice = `${headers['stripe-signature']?.[0]},t=1`;
    expect(
      await createGenericHmacVerifier(stripe)({ ...request, headers: { 'stripe-signature': [twice] } }, now),
    ).toMatchObject({ code: 'signature_malformed' });
  });

  test('up to eight signatures of a list are looked at, with or without spaces around them', async () => {
    const stripe = { ...schemes.stripe, secrets: ['whsec_1'] };
    const { headers, ...request } = delivery(stripe);
    const genuine = headers['stripe-signature']?.[0] ?? '';
    const after = (count: number) => `${`v1=${'0'.repeat(64)} , `.repeat(count)} ${genuine}`;
    const verifyList = async (value: string) =>
      createGenericHmacVerifier(stripe)({ ...request, headers: { 'stripe-signature': [value] } }, now);
    expect(await verifyList(after(7))).toMatchObject({ kind: 'verified' });
    expect(await verifyList(after(8))).toMatchObject({ kind: 'rejected', code: 'signature_malformed' });
  });

  test.each(['sha1', 'sha256', 'sha512'])('%s is what it says', async (algorithm) => {
    const other = { ...settings, algorithm };
    const accepted = await createGenericHmacVerifier(other)(delivery(other), now);
    expect(accepted.kind).toBe('verified');
    if (algorithm !== 'sha512') expect((await verify(delivery(other), now)).kind).toBe('rejected');
  });
});

test('an id in a header that is not signed is known, and does not make the event signed as a whole', async () => {
  const settings = { ...schemes.github, secrets: ['a-signing-secret'] };
  const { headers, ...request } = delivery(settings);
  const named = { ...headers, 'x-github-event': ['push'] };
  expect(await createGenericHmacVerifier(settings)({ ...request, headers: named }, now)).toMatchObject({
    kind: 'verified',
    tier: 'body',
    events: [{ eventId: id, type: 'push' }],
  });
  expect((await createGenericHmacVerifier(settings)({ ...request, headers }, now)).kind).toBe('malformed');
});

test.each([
  ['{"type":"x"}', 'no event id at id'],
  ['{"id":"","type":"x"}', 'no event id at id'],
  ['{"id":9007199254740993,"type":"x"}', 'no event id at id'],
  ['{"id":"e"}', 'no event type at type'],
  ['{"id":"e","type":"x","created":"soon"}', 'no time at created'],
  ['{"id":"e","type":"x","created":1e300}', 'no time at created'],
])('%s is malformed: %s', async (text, reason) => {
  const settings = { ...schemes.stripe, secrets: ['whsec_1'] };
  const request = delivery(settings, { body: Buffer.from(text) });
  expect(await createGenericHmacVerifier(settings)(request, now)).toMatchObject({
    kind: 'malformed',
    reason: expect.stringContaining(reason),
  });
});

test('an id that is a number is its digits, and inherited properties are no ids', async () => {
  const settings = { ...schemes.square, event: { id: { path: 'a.0.id' } }, secrets: ['a-signing-secret'] };
  const verify = createGenericHmacVerifier(settings);
  const of = (text: string): SignedRequest => delivery(settings, { body: Buffer.from(text) });
  expect(await verify(of('{"a":[{"id":42}]}'), now)).toMatchObject({ events: [{ eventId: '42', type: 'unknown' }] });
  const inherited = { ...settings, event: { id: { path: 'constructor.name' } } };
  expect((await createGenericHmacVerifier(inherited)(delivery(inherited), now)).kind).toBe('malformed');
});
