import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verification } from '../../verification.ts';
import { eventBody, sentAt, signedRequest, testEffects, webhookId } from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn } from './fixtures/paypal-stand-in.ts';
import {
  createThrowawayAuthority,
  type AuthorityOptions,
  type ThrowawayAuthority,
} from '@penstock/local/throwaway-authority';
import { createPayPalVerifier } from './verify.ts';

/** What PayPal serves and what is trusted, of an authority minted for the case. */
type Arrange = (minted: ThrowawayAuthority) => { readonly pem: string; readonly roots: readonly string[] };

let stranger: ThrowawayAuthority;
let paypal: PayPalStandIn;
let served = '';

beforeAll(async () => {
  stranger = await createThrowawayAuthority();
  paypal = await startPayPalStandIn(() => ({ status: 200, body: served }));
});

afterAll(async () => paypal[Symbol.asyncDispose]());

async function verificationOf(options: AuthorityOptions, arrange: Arrange): Promise<Verification> {
  const minted = await createThrowawayAuthority(options);
  const { pem, roots } = arrange(minted);
  served = pem;
  const verify = createPayPalVerifier(
    { webhookId, environment: 'sandbox' },
    testEffects({ exchange: paypal.exchange, trustedRoots: roots }),
  );
  return verify(signedRequest(minted, eventBody()), sentAt);
}

const asIssued: Arrange = ({ chainPem, rootPem }) => ({ pem: chainPem, roots: [rootPem] });

describe('a chain', () => {
  test('through three intermediates, in any order in the file, reaches its root', async () => {
    const arrange: Arrange = ({ leafPem, intermediatePems, rootPem }) => ({
      pem: [...intermediatePems, leafPem].join('junk\n'),
      roots: [stranger.rootPem, rootPem],
    });
    expect(await verificationOf({ intermediates: 3 }, arrange)).toMatchObject({ kind: 'verified' });
  });

  test.each<{ what: string; options: AuthorityOptions; arrange: Arrange }>([
    {
      what: 'to a root nobody trusts',
      options: {},
      arrange: ({ chainPem }) => ({ pem: chainPem, roots: [stranger.rootPem] }),
    },
    {
      what: 'to a root the download itself brought',
      options: {},
      arrange: ({ chainPem, rootPem }) => ({ pem: chainPem + rootPem, roots: [stranger.rootPem] }),
    },
    {
      what: 'with a missing link',
      options: { intermediates: 1 },
      arrange: ({ leafPem, rootPem }) => ({ pem: leafPem, roots: [rootPem] }),
    },
    {
      what: 'through a certificate that may not issue',
      options: { intermediates: 1, intermediateKind: 'end-entity' },
      arrange: asIssued,
    },
    { what: 'of more than five certificates', options: { intermediates: 4 }, arrange: asIssued },
    {
      what: 'in a download of more than six',
      options: {},
      arrange: ({ leafPem, rootPem }) => ({ pem: leafPem.repeat(7), roots: [rootPem] }),
    },
    {
      what: 'of a leaf trusted as if it were a root',
      options: {},
      arrange: ({ leafPem }) => ({ pem: leafPem, roots: [leafPem] }),
    },
    { what: 'of a leaf for another host', options: { hostName: 'www.paypal.com' }, arrange: asIssued },
    {
      what: 'of a leaf for the live host',
      options: { hostName: 'messageverificationcerts.paypal.com' },
      arrange: asIssued,
    },
    { what: 'of a wildcard leaf', options: { hostName: '*.sandbox.paypal.com' }, arrange: asIssued },
    { what: 'of an expired leaf', options: { notAfter: new Date('2026-02-28T00:00:00Z') }, arrange: asIssued },
    { what: 'of a leaf from the future', options: { notBefore: new Date('2026-03-02T00:00:00Z') }, arrange: asIssued },
    { what: 'of an elliptic leaf', options: { leafKey: 'elliptic' }, arrange: asIssued },
  ])('$what is not trusted', async ({ options, arrange }) => {
    expect(await verificationOf(options, arrange)).toMatchObject({ kind: 'rejected', code: 'certificate_untrusted' });
  });
});
