import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verifier } from '../../provider.ts';
import type { SignedRequest } from '../../signed-request.ts';
import {
  certificatePath,
  certificateUrl,
  eventBody,
  flipBit,
  requestOf,
  sentAt,
  signedRequest,
  testEffects,
  transmissionId,
  webhookId,
  withHeader,
} from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn } from './fixtures/paypal-stand-in.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { createThrowawayAuthority, type ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { signDemoHmac } from './sign.ts';
import { createPayPalVerifier } from './verify.ts';

let authority: ThrowawayAuthority;
let paypal: PayPalStandIn;
let verify: Verifier;

beforeAll(async () => {
  authority = await createThrowawayAuthority();
  paypal = await startPayPalStandIn(({ path }) =>
    path === certificatePath ? { status: 200, body: authority.chainPem } : undefined,
  );
  verify = verifierOf({ environment: 'sandbox' });
});

afterAll(async () => paypal[Symbol.asyncDispose]());

function verifierOf(settings: Readonly<Record<string, unknown>>): Verifier {
  return createPayPalVerifier(
    { webhookId, ...settings },
    testEffects({ exchange: paypal.exchange, trustedRoots: [authority.rootPem] }),
  );
}

function secondsAfterSending(seconds: number): Date {
  return new Date(sentAt.getTime() + seconds * 1_000);
}

describe('what PayPal published', () => {
  const { signingCertificate, root } = published.certificates;

  test.each(published.vectors)('a delivery from $src verifies at its time, through DigiCert', async (vector) => {
    await using standIn = await startPayPalStandIn(() => ({ status: 200, body: signingCertificate.pem }));
    const verifyPublished = createPayPalVerifier(
      { webhookId: vector.webhookId, environment: 'sandbox' },
      testEffects({ exchange: standIn.exchange, trustedRoots: [root.pem] }),
    );
    const request = publishedRequest(vector);
    expect(await verifyPublished(request, new Date(vector.transmissionTime))).toMatchObject({
      kind: 'verified',
      tier: 'partial',
      keyId: 'CERT-360caa42-fca2a594-1d93a270',
      transmissionId: vector.transmissionId,
      events: [
        {
          eventId: /"id":"(WH-[^"]+)"/.exec(vector.body)?.[1],
          type: 'PAYMENT.SALE.COMPLETED',
          occurredAt: new Date(vector.transmissionTime),
          livemode: false,
        },
      ],
    });
    expect(
      await verifyPublished({ ...request, body: flipBit(request.body, 1) }, new Date(vector.transmissionTime)),
    ).toMatchObject({ code: 'signature_mismatch' });
    expect(await verifyPublished(request, new Date('2018-01-01T00:00:00Z'))).toMatchObject({
      code: 'certificate_untrusted',
    });
  });
});

function publishedRequest(vector: (typeof published.vectors)[number]): SignedRequest {
  const headers = {
    'paypal-transmission-id': vector.transmissionId,
    'paypal-transmission-time': vector.transmissionTime,
    'paypal-transmission-sig': vector.signature,
    'paypal-cert-url': certificateUrl,
    'paypal-auth-algo': 'SHA256withRSA',
  };
  return requestOf(headers, Buffer.from(vector.body));
}

describe('the signature', () => {
  test('whatever PayPal signs is accepted, as the bytes that came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (resource) => {
        expect(await verify(signedRequest(authority, eventBody({ resource })), sentAt)).toMatchObject({
          kind: 'verified',
          tier: 'partial',
          transmissionId,
        });
      }),
    );
  });

  test('one flipped bit anywhere in the body is a mismatch', async () => {
    const request = signedRequest(authority, eventBody());
    await fc.assert(
      fc.asyncProperty(fc.nat(request.body.length * 8 - 1), async (bit) => {
        expect(await verify({ ...request, body: flipBit(request.body, bit) }, sentAt)).toMatchObject({
          kind: 'rejected',
          code: 'signature_mismatch',
        });
      }),
      { numRuns: 500 },
    );
  });

  test("a delivery for another endpoint's webhook id is a mismatch", async () => {
    const verifyOther = verifierOf({ environment: 'sandbox', webhookId: '3TR748995U920805P' });
    expect(await verifyOther(signedRequest(authority, eventBody()), sentAt)).toMatchObject({
      code: 'signature_mismatch',
    });
  });
});

describe('the head alone', () => {
  test.each([
    ['paypal-transmission-sig', []],
    ['paypal-transmission-id', ['two', 'of them']],
    ['paypal-transmission-time', ['yesterday']],
    ['paypal-auth-algo', ['MD5']],
  ] as const)('is refused for its %s %j, in the words that a whole request is refused with', async (name, values) => {
    const request = withHeader(signedRequest(authority, eventBody()), name, values);
    expect(verify.refuse?.(request)).toMatchObject({ kind: 'rejected' });
    expect(await verify(request, sentAt)).toEqual(verify.refuse?.(request));
  });

  test('is let through where only the signature can tell', () => {
    expect(verify.refuse?.(signedRequest(authority, eventBody()))).toBeNull();
  });
});

describe('the time window', () => {
  const threeDaysAndAnHour = 262_800;

  test.each([
    { seconds: threeDaysAndAnHour, outcome: { kind: 'verified' } },
    {
      seconds: threeDaysAndAnHour + 1,
      outcome: { code: 'signature_stale', reason: 'the delivery was sent 262801 s ago; 262800 s are accepted' },
    },
    { seconds: -300, outcome: { kind: 'verified' } },
    {
      seconds: -301,
      outcome: { code: 'signature_stale', reason: 'the delivery was sent 301 s in the future; 300 s are accepted' },
    },
  ])('by default a delivery $seconds s after its sending is $outcome', async ({ seconds, outcome }) => {
    expect(await verify(signedRequest(authority, eventBody()), secondsAfterSending(seconds))).toMatchObject(outcome);
  });

  test('the window into the past is the one that was set', async () => {
    const verifyStrictly = verifierOf({ environment: 'sandbox', toleranceSeconds: 60 });
    expect(await verifyStrictly(signedRequest(authority, eventBody()), secondsAfterSending(60))).toMatchObject({
      kind: 'verified',
    });
    expect(await verifyStrictly(signedRequest(authority, eventBody()), secondsAfterSending(61))).toMatchObject({
      code: 'signature_stale',
    });
  });

  test('the time is judged only once the signature matched, for until then anyone may have written it', async () => {
    const forged = { ...signedRequest(authority, eventBody()), body: eventBody({ resource: {} }) };
    expect(await verify(forged, secondsAfterSending(threeDaysAndAnHour + 1))).toMatchObject({
      code: 'signature_mismatch',
    });
  });
});

describe('the demonstration signature', () => {
  const secret = 'a secret for demonstrations';
  const body = eventBody();
  const request = requestOf(signDemoHmac({ body, webhookId, transmissionId, transmissionTime: sentAt, secret }), body);

  test('covers every byte of the body, and says so', async () => {
    const verifyDemo = verifierOf({ environment: 'sandbox', mode: 'demo-hmac', demoSecret: secret });
    expect(await verifyDemo(request, sentAt)).toMatchObject({
      kind: 'verified',
      tier: 'body',
      keyId: 'demo-hmac',
      transmissionId,
    });
    expect(await verifyDemo({ ...request, body: Buffer.concat([body, Buffer.from(' ')]) }, sentAt)).toMatchObject({
      code: 'signature_mismatch',
    });
    expect(await verifyDemo(withHeader(request, 'paypal-transmission-id', ['another']), sentAt)).toMatchObject({
      code: 'signature_mismatch',
    });
    expect(await verifyDemo(withHeader(request, 'paypal-transmission-sig', ['QQ==']), sentAt)).toMatchObject({
      code: 'signature_mismatch',
    });
    expect(await verifyDemo(request, secondsAfterSending(262_801))).toMatchObject({ code: 'signature_stale' });
  });

  test('is not accepted with another secret, nor for another webhook id, nor by an endpoint of PayPal', async () => {
    const settings = { environment: 'sandbox', mode: 'demo-hmac', demoSecret: secret };
    expect(await verifierOf({ ...settings, demoSecret: `${secret}.` })(request, sentAt)).toMatchObject({
      code: 'signature_mismatch',
      reason: 'the demonstration signature does not match',
    });
    expect(await verifierOf({ ...settings, webhookId: 'OTHER' })(request, sentAt)).toMatchObject({
      code: 'signature_mismatch',
    });
    expect(await verify(request, sentAt)).toMatchObject({ code: 'signature_malformed' });
    expect(await verifierOf(settings)(signedRequest(authority, body), sentAt)).toMatchObject({
      code: 'signature_malformed',
    });
  });
});
