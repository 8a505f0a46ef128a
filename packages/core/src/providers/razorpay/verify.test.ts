import fc from 'fast-check';
import Razorpay from 'razorpay';
import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { conformsTo } from '../testing/conformance.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { razorpay } from './provider.ts';
import { signRazorpayRequest } from './sign.ts';
import { createRazorpayVerifier } from './verify.ts';

const secret = 'current-webhook-secret';
const body = Buffer.from(
  '{"entity":"event","account_id":"acc_BFQ7uQEaa7j2z7","event":"payment.captured","contains":["payment"],"payload":{"payment":{"entity":{"id":"pay_DESlfW9H8K9uqM"}}},"created_at":1772366398}',
);
const now = new Date('2026-03-01T12:00:00Z');

function requestOf(given: Buffer, signature: string, headers: Record<string, string[]> = {}): SignedRequest {
  return { method: 'POST', headers: { 'x-razorpay-signature': [signature], ...headers }, query: '', body: given };
}

function signatureOf(given: Buffer, key = secret): string {
  return signRazorpayRequest({ body: given, secret: key })['x-razorpay-signature'] ?? '';
}

conformsTo({
  provider: razorpay,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'previous-webhook-secret',
  body,
  sign: (given, { secret: key }) => requestOf(given, signatureOf(given, key)),
  signatureHeader: 'x-razorpay-signature',
  encoding: 'hex',
  several: null,
  many: null,
  eventIdAt: null,
  windowSeconds: null,
  expected: {
    eventId: null,
    type: 'payment.captured',
    occurredAt: new Date('2026-03-01T11:59:58Z'),
    providerAccount: 'acc_BFQ7uQEaa7j2z7',
  },
});

test.each(published.vectors)(
  'the published signature of $src is genuine',
  async ({ secret: key, body: text, signature }) => {
    const verification = await createRazorpayVerifier({ secrets: [key] })(requestOf(Buffer.from(text), signature), now);
    // Its body is no event, which only the holder of the secret is told.
    expect(verification).toMatchObject({ kind: 'malformed', keyId: keyNameOf(key) });
  },
);

test('an event id beside the body, which nobody signed, changes nothing', async () => {
  const verify = createRazorpayVerifier({ secrets: [secret] });
  const plain = await verify(requestOf(body, signatureOf(body)), now);
  for (const id of ['FBy7Z3Sz8Dm8KR', 'another', '']) {
    const labelled = requestOf(body, signatureOf(body), { 'x-razorpay-event-id': [id] });
    expect(await verify(labelled, now)).toEqual(plain);
  }
  expect(plain).toMatchObject({ kind: 'verified', transmissionId: null, events: [{ eventId: null }] });
});

test('an event without account or time, as older ones are, is verified', async () => {
  const older = Buffer.from('{"event":"payment.authorized","payload":{}}');
  expect(await createRazorpayVerifier({ secrets: [secret] })(requestOf(older, signatureOf(older)), now)).toMatchObject({
    events: [{ type: 'payment.authorized', occurredAt: null, providerAccount: null }],
  });
});

describe("Razorpay's SDK as oracle", () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
  const verify = createRazorpayVerifier({ secrets: [secret] });

  test('a signature is accepted here exactly when the SDK accepts it', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, fc.boolean(), fc.boolean(), async (given, other, sameBody, sameSecret) => {
        const signature = signatureOf(Buffer.from(sameBody ? given : other), sameSecret ? secret : 'another-secret');
        const { kind } = await verify(requestOf(Buffer.from(given), signature), now);
        expect(kind !== 'rejected').toBe(Razorpay.validateWebhookSignature(given, signature, secret));
      }),
    );
  });

  test('differs in that it refuses the same digest in upper case', async () => {
    const signature = signatureOf(body).toUpperCase();
    expect(Razorpay.validateWebhookSignature(body.toString(), signature, secret)).toBe(false);
    expect(await verify(requestOf(body, signature), now)).toMatchObject({ kind: 'verified' });
  });

  test('differs in that bytes that are no text are one text to it, and another body here', async () => {
    const [one, other] = [Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xef, 0xbf, 0xbd, 0x22])];
    const signature = signatureOf(other);
    expect(Razorpay.validateWebhookSignature(one.toString(), signature, secret)).toBe(true);
    expect(await verify(requestOf(one, signature), now)).toMatchObject({ code: 'signature_mismatch' });
  });
});
