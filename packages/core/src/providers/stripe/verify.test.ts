import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { RejectionCode } from '../../verification.ts';
import { eventBody, requestOf, secret, signatureHeader, signedAt, signedRequest } from './fixtures/deliveries.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { translateStripe } from './translate.ts';
import { createStripeVerifier } from './verify.ts';

const verify = createStripeVerifier({ secrets: [secret] });
const body = eventBody();

describe('what Stripe published', () => {
  test.each(published.vectors)('the signature of $src verifies at its time', async (vector) => {
    const verifyPublished = createStripeVerifier({ secrets: [vector.secret] });
    const verification = await verifyPublished(
      requestOf(Buffer.from(vector.body), vector.header),
      new Date(vector.now * 1000),
    );
    expect(verification).toEqual({
      kind: 'verified',
      tier: 'full',
      keyId: keyNameOf(vector.secret),
      transmissionId: null,
      events: [
        {
          eventId: 'evt_123',
          type: 'customer.created',
          occurredAt: new Date(1_533_204_620_000),
          livemode: false,
          apiVersion: '2017-05-25',
          providerAccount: 'acct_123',
        },
      ],
    });
  });

  test.each(published.vectors)(
    'the signature of $src is refused under another secret, over its JSON written anew, and as v0',
    async (vector) => {
      const at = new Date(vector.now * 1000);
      const verifyPublished = createStripeVerifier({ secrets: [vector.secret] });
      expect(
        await createStripeVerifier({ secrets: [`${vector.secret}x`] })(
          requestOf(Buffer.from(vector.body), vector.header),
          at,
        ),
      ).toMatchObject(refusal('signature_mismatch'));
      const rewritten = Buffer.from(JSON.stringify(JSON.parse(vector.body)));
      expect(await verifyPublished(requestOf(rewritten, vector.header), at)).toMatchObject(
        refusal('signature_mismatch'),
      );
      const onlyV0 = vector.header.replace('v1=', 'v0=');
      expect(await verifyPublished(requestOf(Buffer.from(vector.body), onlyV0), at)).toMatchObject(
        refusal('signature_malformed'),
      );
    },
  );
});

describe('which signatures count', () => {
  const signature = signatureHeader(body).split('v1=')[1] ?? '';
  const time = signedAt.getTime() / 1000;
  const wrong = '0'.repeat(64);

  test('the right signature counts wherever among the v1 it stands', async () => {
    for (const header of [
      `t=${time},v1=${signature},v1=${wrong}`,
      `t=${time},v1=${wrong},v1=${signature}`,
      `v1=${wrong},v1=${signature},t=${time}`,
    ]) {
      expect(await verify(requestOf(body, header), signedAt)).toMatchObject({ kind: 'verified' });
    }
  });

  test('a v0 never counts, not even one that holds the right signature', async () => {
    expect(await verify(requestOf(body, `t=${time},v1=${wrong},v0=${signature}`), signedAt)).toMatchObject(
      refusal('signature_mismatch'),
    );
    expect(await verify(requestOf(body, `t=${time},v0=${signature}`), signedAt)).toMatchObject(
      refusal('signature_malformed'),
    );
    expect(await verify(requestOf(body, `t=${time},v1=${signature},v0=${wrong}`), signedAt)).toMatchObject({
      kind: 'verified',
    });
  });

  test('hexadecimal digits may be upper case', async () => {
    expect(await verify(requestOf(body, `t=${time},v1=${signature.toUpperCase()}`), signedAt)).toMatchObject({
      kind: 'verified',
    });
  });

  test('a signature of another length never counts', async () => {
    for (const other of [signature.slice(0, 62), `${signature}00`, `${signature} ${signature}`, '']) {
      expect(await verify(requestOf(body, `t=${time},v1=${other}`), signedAt)).toMatchObject(
        refusal('signature_malformed'),
      );
    }
  });

  test('more signatures than Stripe has secrets are refused before any is computed', async () => {
    const eight = Array.from({ length: 7 }, () => `v1=${wrong}`).join(',');
    expect(await verify(requestOf(body, `t=${time},${eight},v1=${signature}`), signedAt)).toMatchObject({
      kind: 'verified',
    });
    expect(await verify(requestOf(body, `t=${time},${eight},v1=${wrong},v1=${signature}`), signedAt)).toMatchObject(
      refusal('signature_malformed'),
    );
  });
});

describe('while a secret is rolled', () => {
  const [newer, older] = ['whsec_the_newer_one', 'whsec_the_older_one'];
  const verifyRolling = createStripeVerifier({ secrets: [newer, older] });

  test('a signature under any active secret is accepted and the key id says which', async () => {
    expect(await verifyRolling(signedRequest(body, { secrets: [newer] }), signedAt)).toMatchObject({
      kind: 'verified',
      keyId: keyNameOf(newer),
    });
    expect(await verifyRolling(signedRequest(body, { secrets: [older] }), signedAt)).toMatchObject({
      kind: 'verified',
      keyId: keyNameOf(older),
    });
  });

  test('a header signed under both is accepted by one who knows both, and by one who knows either', async () => {
    const request = signedRequest(body, { secrets: [older, newer] });
    expect(await verifyRolling(request, signedAt)).toMatchObject({ kind: 'verified', keyId: keyNameOf(newer) });
    expect(await createStripeVerifier({ secrets: [older] })(request, signedAt)).toMatchObject({
      kind: 'verified',
      keyId: keyNameOf(older),
    });
    expect(await createStripeVerifier({ secrets: [newer] })(request, signedAt)).toMatchObject({
      kind: 'verified',
      keyId: keyNameOf(newer),
    });
  });

  test('a secret that has been retired is refused', async () => {
    expect(
      await createStripeVerifier({ secrets: [newer] })(signedRequest(body, { secrets: [older] }), signedAt),
    ).toMatchObject(refusal('signature_mismatch'));
  });
});

describe('the window of time', () => {
  const secondsAfter = (seconds: number): Date => new Date(signedAt.getTime() + seconds * 1000);

  test.each([-300, -299.999, 0, 299.999, 300])(
    'a signature received %d seconds after its time is inside it',
    async (seconds) => {
      expect(await verify(signedRequest(body), secondsAfter(seconds))).toMatchObject({ kind: 'verified' });
    },
  );

  test.each([-86_400, -301, -300.001, 300.001, 301, 86_400])(
    'a signature received %d seconds after its time is stale',
    async (seconds) => {
      expect(await verify(signedRequest(body), secondsAfter(seconds))).toMatchObject(refusal('signature_stale'));
    },
  );

  test('only the holder of a secret is told that a time is stale', async () => {
    const forged = requestOf(eventBody({ id: 'evt_forged' }), signatureHeader(body));
    expect(await verify(forged, secondsAfter(301))).toMatchObject(refusal('signature_mismatch'));
    expect(await verify(signedRequest(body, { secrets: ['whsec_not_ours'] }), secondsAfter(-301))).toMatchObject(
      refusal('signature_mismatch'),
    );
  });

  test('the time is signed: a replay under a fresh time is a mismatch', async () => {
    const fresh = signatureHeader(body).replace(/t=\d+/, `t=${secondsAfter(1000).getTime() / 1000}`);
    expect(await verify(requestOf(body, fresh), secondsAfter(1000))).toMatchObject(refusal('signature_mismatch'));
  });

  test('the window is the one that the settings name', async () => {
    const verifyWithin60 = createStripeVerifier({ secrets: [secret], toleranceSeconds: 60 });
    expect(await verifyWithin60(signedRequest(body), secondsAfter(60))).toMatchObject({ kind: 'verified' });
    expect(await verifyWithin60(signedRequest(body), secondsAfter(61))).toMatchObject(refusal('signature_stale'));
  });
});

test.each([
  { what: 'no secret', settings: {} },
  { what: 'an empty list of secrets', settings: { secrets: [] } },
  { what: 'an empty secret', settings: { secrets: [''] } },
  { what: 'a secret with a space', settings: { secrets: ['whsec_with a space'] } },
  { what: 'no window', settings: { secrets: [secret], toleranceSeconds: 0 } },
  { what: 'nothing', settings: undefined },
])('settings with $what make no verifier, and the error does not repeat them', ({ settings }) => {
  const making = (): unknown => createStripeVerifier(settings);
  expect(making).toThrow(expect.objectContaining({ name: 'ConfigurationError' }));
  expect(making).not.toThrow(/whsec_with|whsec_of/);
});

function refusal(code: RejectionCode): { readonly kind: 'rejected'; readonly code: RejectionCode } {
  return { kind: 'rejected', code };
}

describe('a thin v2 event', () => {
  test('is verified and described by its envelope, and says nothing about payments by itself', async () => {
    const thin = Buffer.from(
      JSON.stringify({
        id: 'evt_test_65R',
        object: 'v2.core.event',
        type: 'v1.billing.meter.no_meter_found',
        created: '2026-03-01T12:00:00.123Z',
        livemode: false,
        context: 'acct_1',
        related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
      }),
    );
    const verification = await createStripeVerifier({ secrets: [secret] })(signedRequest(thin), signedAt);
    expect(verification).toMatchObject({
      kind: 'verified',
      events: [
        {
          eventId: 'evt_test_65R',
          type: 'v1.billing.meter.no_meter_found',
          occurredAt: new Date('2026-03-01T12:00:00.123Z'),
          providerAccount: 'acct_1',
        },
      ],
    });
    expect(translateStripe(thin)).toEqual([]);
  });
});
