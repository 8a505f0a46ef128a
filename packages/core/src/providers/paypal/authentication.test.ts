import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Verifier } from '../../provider.ts';
import {
  certificatePath,
  eventBody,
  requestOf,
  sentAt,
  signedRequest,
  testEffects,
  webhookId,
} from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn, type StandInAnswer } from './fixtures/paypal-stand-in.ts';
import { createThrowawayAuthority, type ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { createPayPalVerifier } from './verify.ts';

const token = { status: 200, body: '{"access_token":"token","expires_in":3600}' };

let authority: ThrowawayAuthority;
let paypal: PayPalStandIn;
let certificate: StandInAnswer;
let postback: StandInAnswer;

beforeAll(async () => {
  authority = await createThrowawayAuthority();
  paypal = await startPayPalStandIn(({ path }) => {
    if (path === certificatePath) return certificate;
    return path === '/v1/oauth2/token' ? token : postback;
  });
});

afterAll(async () => paypal[Symbol.asyncDispose]());

beforeEach(() => {
  certificate = { status: 404, body: '' };
  postback = { status: 200, body: '{"verification_status":"SUCCESS"}' };
});

function verifier(trustedRoots: readonly string[]): Verifier {
  const settings = {
    webhookId,
    environment: 'sandbox',
    mode: 'offline-then-postback',
    clientId: 'client',
    clientSecret: 'secret',
  };
  return createPayPalVerifier(settings, testEffects({ exchange: paypal.exchange, trustedRoots }));
}

describe('offline, then the postback', () => {
  test('a trusted certificate decides alone, for and against', async () => {
    certificate = { status: 200, body: authority.chainPem };
    const verify = verifier([authority.rootPem]);
    const request = signedRequest(authority, eventBody());
    const before = paypal.requests.length;
    expect(await verify(request, sentAt)).toMatchObject({ kind: 'verified', keyId: 'CERT-360caa42-fca2a594-1d93a270' });
    expect(await verify({ ...request, body: eventBody({ resource: {} }) }, sentAt)).toMatchObject({
      code: 'signature_mismatch',
      reason: 'the signature does not match the body, the webhook id and the headers',
    });
    expect(paypal.requests.slice(before).map(({ path }) => path)).toEqual([certificatePath]);
  });

  test.each(['cannot be fetched', 'is not trusted'] as const)(
    'PayPal decides where the certificate %s, for and against',
    async (fault) => {
      if (fault === 'is not trusted') certificate = { status: 200, body: authority.chainPem };
      const verify = verifier([]);
      const request = signedRequest(authority, eventBody());
      expect(await verify(request, sentAt)).toMatchObject({ kind: 'verified', tier: 'partial', keyId: 'postback' });
      postback = { status: 200, body: '{"verification_status":"FAILURE"}' };
      expect(await verify(request, sentAt)).toMatchObject({ kind: 'rejected', code: 'signature_mismatch' });
      postback = { status: 503, body: '' };
      expect(await verify(request, sentAt)).toMatchObject({
        kind: 'undecided',
        reason: expect.stringMatching(/^(fetching the certificate|the signing certificate) .+; .*503/),
      });
    },
  );

  test('headers that cannot be PayPal’s are rejected without asking anyone', async () => {
    const before = paypal.requests.length;
    expect(await verifier([])(requestOf({}, eventBody()), sentAt)).toMatchObject({ code: 'signature_missing' });
    expect(paypal.requests.length).toBe(before);
  });
});
