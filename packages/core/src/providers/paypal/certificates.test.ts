import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verification } from '../../verification.ts';
import {
  certificatePath,
  certificateUrl,
  eventBody,
  sentAt,
  signedRequest,
  testEffects,
  webhookId,
} from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn, type StandInAnswer } from './fixtures/paypal-stand-in.ts';
import { createThrowawayAuthority, type ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { createPayPalVerifier } from './verify.ts';

let authority: ThrowawayAuthority;
let paypal: PayPalStandIn;
let answer: (path: string) => StandInAnswer | undefined;

beforeAll(async () => {
  authority = await createThrowawayAuthority();
  paypal = await startPayPalStandIn(({ path }) => answer(path));
});

afterAll(async () => paypal[Symbol.asyncDispose]());

function serve(pem: string): void {
  answer = () => ({ status: 200, body: pem });
}

function verifier(settings: Readonly<Record<string, unknown>> = {}) {
  return createPayPalVerifier(
    { webhookId, environment: 'sandbox', ...settings },
    testEffects({ exchange: paypal.exchange, trustedRoots: [authority.rootPem] }),
  );
}

function fetches(): number {
  return paypal.requests.length;
}

describe('the address of a certificate', () => {
  const addresses = [
    'http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com.evil.example/v1/notifications/certs/CERT-1',
    // As long as PayPal's own prefix, so that cutting by length finds a file name in it.
    'https://api.sandbox.paypal.com.evil.example/v1/certs/xCERT-1',
    'https://evil.example/v1/notifications/certs/CERT-1',
    'https://evil.example/https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'https://notapi.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'https://www.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'https://paypal.com/v1/notifications/certs/CERT-1',
    'https://user@api.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com@evil.example/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com\\@evil.example/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com:443/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com:8443/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com/v1/notifications/certs/../../oauth2/token',
    'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1/../../x',
    'https://api.sandbox.paypal.com/v1/notifications/certs/../../x/CERT-1',
    'https://api.sandbox.paypal.com/v1/notifications/certs/xCERT-1',
    'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1%2f..',
    'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1?next=https://evil.example',
    'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1#hash',
    'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-',
    `https://api.sandbox.paypal.com/v1/notifications/certs/CERT-${'1'.repeat(101)}`,
    'https://api.sandbox.paypal.com/v1/notifications/certs/other',
    'https://api.sandbox.paypal.com//v1/notifications/certs/CERT-1',
    'HTTPS://API.SANDBOX.PAYPAL.COM/v1/notifications/certs/CERT-1',
    'https://169.254.169.254/v1/notifications/certs/CERT-1',
    'file:///v1/notifications/certs/CERT-1',
    'https://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api-m.paypal.com/v1/notifications/certs/CERT-1',
    'not an address',
  ];
  const credentials = { clientId: 'client', clientSecret: 'secret' };

  test.each(addresses)('that is not the sandbox’s is rejected, and nobody is called: %s', async (address) => {
    serve(authority.chainPem);
    const before = fetches();
    const request = signedRequest(authority, eventBody(), address);
    for (const mode of ['offline', 'postback', 'offline-then-postback']) {
      expect(await verifier({ mode, ...credentials })(request, sentAt)).toMatchObject({
        kind: 'rejected',
        code: 'certificate_untrusted',
        reason: 'the paypal-cert-url header is not an address of a PayPal certificate',
      });
    }
    expect(fetches()).toBe(before);
  });

  test('of the sandbox is rejected by a live endpoint, and nobody is called', async () => {
    const before = fetches();
    expect(await verifier({ environment: 'live' })(signedRequest(authority, eventBody()), sentAt)).toMatchObject({
      code: 'certificate_untrusted',
    });
    expect(fetches()).toBe(before);
  });

  test('of a simulator is its own origin and no other', async () => {
    serve(authority.chainPem);
    const verify = verifier({ environment: { simulator: paypal.origin } });
    expect(
      await verify(signedRequest(authority, eventBody(), `${paypal.origin}${certificatePath}`), sentAt),
    ).toMatchObject({ kind: 'verified', events: [{ livemode: false }] });
    expect(await verify(signedRequest(authority, eventBody()), sentAt)).toMatchObject({
      code: 'certificate_untrusted',
    });
  });

  test('of PayPal is honoured for either of its hosts, and a live delivery is live', async () => {
    const live = await createThrowawayAuthority({ hostName: 'messageverificationcerts.paypal.com' });
    serve(live.chainPem);
    const verify = createPayPalVerifier(
      { webhookId, environment: 'live' },
      testEffects({ exchange: paypal.exchange, trustedRoots: [live.rootPem] }),
    );
    for (const host of ['api.paypal.com', 'api-m.paypal.com']) {
      const request = signedRequest(live, eventBody(), `https://${host}${certificatePath}`);
      expect(await verify(request, sentAt)).toMatchObject({ kind: 'verified', events: [{ livemode: true }] });
    }
  });
});

describe('a certificate', () => {
  test('is fetched once for 100 deliveries at a time', async () => {
    serve(authority.chainPem);
    const verify = verifier();
    const before = fetches();
    const request = signedRequest(authority, eventBody());
    const verifications = await Promise.all(Array.from({ length: 100 }, async () => verify(request, sentAt)));
    expect(verifications.map(({ kind }) => kind)).toEqual(Array.from({ length: 100 }, () => 'verified'));
    expect(fetches() - before).toBe(1);
  });

  test('is kept for 24 hours, then fetched again', async () => {
    serve(authority.chainPem);
    const verify = verifier();
    const before = fetches();
    const request = signedRequest(authority, eventBody());
    for (const hours of [0, 1, 23]) await verify(request, new Date(sentAt.getTime() + hours * 3_600_000));
    expect(fetches() - before).toBe(1);
    await verify(request, new Date(sentAt.getTime() + 24 * 3_600_000));
    expect(fetches() - before).toBe(2);
    expect(paypal.requests.at(-1)).toMatchObject({ method: 'GET', accept: 'application/x-pem-file' });
  });

  test('that is not trusted is asked for again after five minutes, not before', async () => {
    serve((await createThrowawayAuthority()).chainPem);
    const verify = verifier();
    const before = fetches();
    const request = signedRequest(authority, eventBody());
    for (const seconds of [0, 1, 299])
      expect(await verify(request, new Date(sentAt.getTime() + seconds * 1_000))).toMatchObject({
        code: 'certificate_untrusted',
      });
    expect(fetches() - before).toBe(1);
    serve(authority.chainPem);
    expect(await verify(request, new Date(sentAt.getTime() + 300_000))).toMatchObject({ kind: 'verified' });
    expect(fetches() - before).toBe(2);
  });

  test('beyond the 32 used last is forgotten', async () => {
    serve(authority.chainPem);
    const verify = verifier();
    const before = fetches();
    const verifyBy = async (name: number): Promise<Verification> =>
      verify(
        signedRequest(authority, eventBody(), `https://api.sandbox.paypal.com/v1/notifications/certs/CERT-${name}`),
        sentAt,
      );
    for (let name = 0; name < 32; name += 1) await verifyBy(name);
    await verifyBy(0);
    await verifyBy(32);
    expect(fetches() - before).toBe(33);
    await verifyBy(0);
    expect(fetches() - before).toBe(33);
    await verifyBy(1);
    expect(fetches() - before).toBe(34);
  });

  test('is not fetched for the 17th invented address at a time', async () => {
    answer = () => undefined;
    const verify = verifier();
    const before = fetches();
    const names = Array.from({ length: 17 }, (_, name) => name);
    const verifications = await Promise.all(
      names.map(async (name) => verify(signedRequest(authority, eventBody(), `${certificateUrl}-${name}`), sentAt)),
    );
    expect(new Set(verifications.map(({ kind }) => kind))).toEqual(new Set(['undecided']));
    expect(verifications.at(-1)).toMatchObject({ reason: 'too many certificates are being fetched' });
    expect(fetches() - before).toBe(16);
  });

  test.each<{ what: string; why: string; answered: Partial<StandInAnswer> }>([
    { what: 'with 404', why: 'answered with 404', answered: { status: 404, body: '' } },
    { what: 'with 503 and a good certificate', why: 'answered with 503', answered: { status: 503 } },
    { what: 'with an error page', why: 'no readable certificate', answered: { body: '<html>proxy</html>' } },
    {
      what: 'with a broken certificate',
      why: 'no readable certificate',
      answered: { body: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    },
    {
      what: 'with more than 16 KB',
      why: 'could not be fetched (exchange_failed)',
      answered: { body: ' '.repeat(16_385) },
    },
  ])(
    'whose download is answered $what decides nothing, and the next delivery asks again',
    async ({ why, answered }) => {
      answer = () => ({ status: 200, body: authority.chainPem, ...answered });
      const verify = verifier();
      const request = signedRequest(authority, eventBody());
      expect(await verify(request, new Date(sentAt.getTime() + 1))).toMatchObject({
        kind: 'undecided',
        reason: expect.stringContaining(why),
      });
      serve(authority.chainPem);
      // Even one that came in before.
      expect(await verify(request, sentAt)).toMatchObject({ kind: 'verified' });
    },
  );

  test('that was valid when fetched is refused from the moment it expires', async () => {
    const expiring = await createThrowawayAuthority({ notAfter: new Date(sentAt.getTime() + 3_600_000) });
    serve(expiring.chainPem);
    const verify = createPayPalVerifier(
      { webhookId, environment: 'sandbox' },
      testEffects({ exchange: paypal.exchange, trustedRoots: [expiring.rootPem] }),
    );
    const request = signedRequest(expiring, eventBody());
    expect(await verify(request, sentAt)).toMatchObject({ kind: 'verified' });
    expect(await verify(request, new Date(sentAt.getTime() + 3_601_000))).toMatchObject({
      code: 'certificate_untrusted',
    });
  });
});
