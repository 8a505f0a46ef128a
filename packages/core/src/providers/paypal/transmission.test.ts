import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Verifier } from '../../provider.ts';
import {
  certificatePath,
  eventBody,
  sentAt,
  signedRequest,
  testEffects,
  webhookId,
  withHeader,
} from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn } from './fixtures/paypal-stand-in.ts';
import { createThrowawayAuthority, type ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { createPayPalVerifier } from './verify.ts';

let authority: ThrowawayAuthority;
let paypal: PayPalStandIn;
let verify: Verifier;

beforeAll(async () => {
  authority = await createThrowawayAuthority();
  paypal = await startPayPalStandIn(({ path }) =>
    path === certificatePath ? { status: 200, body: authority.chainPem } : undefined,
  );
  verify = createPayPalVerifier(
    { webhookId, environment: 'sandbox' },
    testEffects({ exchange: paypal.exchange, trustedRoots: [authority.rootPem] }),
  );
});

afterAll(async () => paypal[Symbol.asyncDispose]());

const names = [
  'paypal-transmission-id',
  'paypal-transmission-time',
  'paypal-transmission-sig',
  'paypal-cert-url',
  'paypal-auth-algo',
];

test.each(names)('a delivery without one usable %s is rejected', async (name) => {
  const request = signedRequest(authority, eventBody());
  const [value = ''] = request.headers[name] ?? [];
  expect(await verify(withHeader(request, name, []), sentAt)).toMatchObject({ code: 'signature_missing' });
  expect(await verify(withHeader(request, name, ['']), sentAt)).toMatchObject({ code: 'signature_missing' });
  expect(await verify(withHeader(request, name, [value, value]), sentAt)).toMatchObject({
    code: 'signature_malformed',
  });
  expect(await verify(withHeader(request, name, ['A'.repeat(4_097)]), sentAt)).toMatchObject({
    code: 'signature_malformed',
  });
  expect(await verify(withHeader(request, name, [`A${value.slice(1)}`.padEnd(504, 'A')]), sentAt)).toMatchObject({
    code: 'signature_malformed',
  });
  expect(await verify(withHeader(request, name, [`${value}é`]), sentAt)).toMatchObject({ code: 'signature_malformed' });
});

test.each(names)('changing any one character of %s loses the proof', async (name) => {
  const request = signedRequest(authority, eventBody());
  const [value = ''] = request.headers[name] ?? [];
  for (const [index, character] of [...value].entries()) {
    const other = character === 'A' ? 'B' : 'A';
    for (const changed of [
      value.slice(0, index) + other + value.slice(index + 1),
      value.slice(0, index) + value.slice(index + 1),
    ]) {
      const verification = await verify(withHeader(request, name, [changed]), sentAt);
      // Another certificate's name may exist, so a 404 for it decides nothing.
      expect(['rejected', ...(name === 'paypal-cert-url' ? ['undecided'] : [])]).toContain(verification.kind);
    }
  }
});

test.each([
  ['paypal-transmission-id', '12345678'],
  ['paypal-transmission-id', 'two words'],
  ['paypal-transmission-id', 'a'.repeat(51)],
  ['paypal-transmission-id', 'a|b'],
  ['paypal-transmission-time', '2026-03-01'],
  ['paypal-transmission-time', '2026-03-01 12:00:00Z'],
  ['paypal-transmission-time', '2026-03-01T12:00:00'],
  ['paypal-transmission-time', '2026-13-01T12:00:00Z'],
  ['paypal-transmission-time', '1772366400'],
  ['paypal-transmission-sig', 'not base64!'],
  ['paypal-transmission-sig', 'AAAA_-=='],
  ['paypal-transmission-sig', 'AAAA'.repeat(126)],
  ['paypal-transmission-sig', 'QQ'],
  ['paypal-transmission-sig', 'QR=='],
  ['paypal-auth-algo', 'SHA1withRSA'],
  ['paypal-auth-algo', 'HmacSHA256'],
])('a %s of %j is malformed', async (name, value) => {
  expect(await verify(withHeader(signedRequest(authority, eventBody()), name, [value]), sentAt)).toMatchObject({
    kind: 'rejected',
    code: 'signature_malformed',
  });
});
