import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gateway, publicKey, sdk, secret } from './fixtures/sdk.ts';
import { createBraintreeChallengeResponder } from './challenge.ts';
import { signBraintreeForm, signBraintreePayload } from './sign.ts';
import { createBraintreeVerifier } from './verify.ts';

/**
 * Braintree's own SDK as oracle, in both directions: what it signs verifies
 * here, what is signed here it parses.
 */
const verify = createBraintreeVerifier({ secrets: [secret] });
const { webhookNotification, webhookTesting } = gateway;
const answer = createBraintreeChallengeResponder({ secrets: [secret] });

async function verifiedHere(fields: { readonly bt_signature: string; readonly bt_payload: string }) {
  const body = Buffer.from(new URLSearchParams({ ...fields }).toString());
  return verify({ method: 'POST', headers: {}, query: '', body }, new Date());
}

async function genuineHere(bt_signature: string, bt_payload: string): Promise<boolean> {
  return (await verifiedHere({ bt_signature, bt_payload })).kind !== 'rejected';
}

/** Whether the SDK takes the signature; what it makes of the payload afterwards is another question. */
async function genuineThere(signature: string, payload: string): Promise<boolean> {
  try {
    await webhookNotification.parse(signature, payload);
    return true;
  } catch (error) {
    return !(error instanceof Error && error.name === 'invalidSignatureError');
  }
}

/** Text in the alphabet of base64, with the newlines Braintree puts into it. */
const payloads = fc
  .uint8Array({ minLength: 1, maxLength: 200 })
  .map((bytes) => `${Buffer.from(bytes).toString('base64').replaceAll(/.{60}/g, '$&\n')}\n`);

test.each(Object.values(sdk.WebhookNotification.Kind))(
  "the SDK's sample of %s is read as the SDK reads it",
  async (kind) => {
    const sample = await webhookTesting.sampleNotification(kind, 'id_1', 'merchant_1');
    const parsed = await webhookNotification.parse(sample.bt_signature, sample.bt_payload);
    expect(await verifiedHere(sample)).toMatchObject({
      kind: 'verified',
      events: [
        {
          type: parsed.kind,
          occurredAt: new Date(parsed.timestamp),
          providerAccount: parsed.sourceMerchantId,
        },
      ],
    });
  },
);

test('what the SDK signs is genuine here', async () => {
  await fc.assert(
    fc.asyncProperty(payloads, async (payload) => {
      expect(await genuineHere(await webhookTesting.sampleSignature(payload), payload)).toBe(true);
    }),
  );
});

test('what is signed here is genuine to the SDK', async () => {
  await fc.assert(
    fc.asyncProperty(payloads, async (payload) => {
      expect(await genuineThere(signBraintreePayload({ payload, secret }), payload)).toBe(true);
    }),
  );
});

test('a whole form signed here is parsed by the SDK', async () => {
  const xml = Buffer.from(
    '<notification><timestamp type="datetime">2026-03-01T11:59:58Z</timestamp><kind>check</kind><subject><check type="boolean">true</check></subject></notification>',
  );
  const form = new URLSearchParams(signBraintreeForm({ xml, secret }).toString());
  const parsed = await webhookNotification.parse(form.get('bt_signature') ?? '', form.get('bt_payload') ?? '');
  expect(parsed).toMatchObject({ kind: 'check', timestamp: '2026-03-01T11:59:58Z' });
});

test('both answer a challenge alike', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-f0-9]{20,32}$/), (challenge) => {
      expect(answer(new URLSearchParams({ bt_challenge: challenge }))).toBe(webhookNotification.verify(challenge));
    }),
  );
});

test('both accept and refuse alike a payload or signature that was tampered with', async () => {
  const payload = 'PG5vdGlmaWNhdGlvbi8+\n';
  const signature = signBraintreePayload({ payload, secret });
  const cases: readonly (readonly [string, string])[] = [
    [signature, payload],
    [signature, payload.slice(0, -1)],
    [signature, `${payload}\n`],
    [signature, `A${payload}`],
    [signature, '<xml/>'],
    [signature.slice(0, -1), payload],
    [`other|${'0'.repeat(40)}&${signature}`, payload],
    [`other|${'0'.repeat(40)}`, payload],
    [`${publicKey}|${'0'.repeat(40)}`, payload],
    ['', payload],
  ];
  for (const [given, sent] of cases)
    expect(await genuineHere(given, sent), `${given} ${sent}`).toBe(await genuineThere(given, sent));
});

describe('where the SDK differs', () => {
  const payload = 'PG5vdGlmaWNhdGlvbi8+\n';
  const signature = signBraintreePayload({ payload, secret });

  test.each([
    ['NULs after the signature', `${signature}\0\0`],
    ['anything after a second bar', `${signature}|anything`],
  ])('it takes %s, which is refused here', async (_what, given) => {
    expect(await genuineThere(given, payload)).toBe(true);
    expect(await genuineHere(given, payload)).toBe(false);
  });

  test('it looks at the first pair of its public key only; here every one is tried', async () => {
    const second = `${publicKey}|${'0'.repeat(40)}&${signature}`;
    expect(await genuineThere(second, payload)).toBe(false);
    expect(await genuineHere(second, payload)).toBe(true);
  });

  test('it takes the answer to a challenge for the signature of a payload, which is refused here', async () => {
    const challenge = 'abcdef0123456789abcdef01';
    const answered = webhookNotification.verify(challenge);
    expect(await genuineThere(answered, challenge)).toBe(true);
    expect(await genuineHere(answered, challenge)).toBe(false);
  });
});
