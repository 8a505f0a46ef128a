import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verification } from '../../verification.ts';
import { eventBody, sentAt, signedRequest, testEffects, webhookId } from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn } from './fixtures/paypal-stand-in.ts';
import {
  createThrowawayAuthority,
  type AuthorityOptions,
  type ThrowawayAuthority,
} from '@penstock/local/throwaway-authority';
import { buildChains, isValidAt } from './certificate-chain.ts';
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

  test.each<{ what: string; why: string; options: AuthorityOptions; arrange: Arrange }>([
    {
      what: 'to a root nobody trusts',
      why: 'not chain to a trusted root',
      options: {},
      arrange: ({ chainPem }) => ({ pem: chainPem, roots: [stranger.rootPem] }),
    },
    {
      what: 'to a root the download itself brought',
      why: 'not chain to a trusted root',
      options: {},
      arrange: ({ chainPem, rootPem }) => ({ pem: chainPem + rootPem, roots: [stranger.rootPem] }),
    },
    {
      what: 'with a missing link',
      why: 'not chain to a trusted root',
      options: { intermediates: 1 },
      arrange: ({ leafPem, rootPem }) => ({ pem: leafPem, roots: [rootPem] }),
    },
    {
      what: 'through a certificate that may not issue',
      why: 'not chain to a trusted root',
      options: { intermediates: 1, intermediateKind: 'end-entity' },
      arrange: asIssued,
    },
    {
      what: 'of more than five certificates',
      why: 'not chain to a trusted root',
      options: { intermediates: 4 },
      arrange: asIssued,
    },
    {
      what: 'in a download of more than six',
      why: 'more than 6 certificates',
      options: {},
      arrange: ({ leafPem, rootPem }) => ({ pem: leafPem.repeat(7), roots: [rootPem] }),
    },
    {
      what: 'of a leaf trusted as if it were a root',
      why: 'not chain to a trusted root',
      options: {},
      arrange: ({ leafPem }) => ({ pem: leafPem, roots: [leafPem] }),
    },
    {
      what: 'of a leaf for another host',
      why: 'no certificate in the download is issued to messageverificationcerts.sandbox.paypal.com',
      options: { hostName: 'www.paypal.com' },
      arrange: asIssued,
    },
    {
      what: 'of a leaf for the live host',
      why: 'is issued to messageverificationcerts.sandbox.paypal.com',
      options: { hostName: 'messageverificationcerts.paypal.com' },
      arrange: asIssued,
    },
    {
      what: 'of a wildcard leaf',
      why: 'is issued to messageverificationcerts.sandbox.paypal.com',
      options: { hostName: '*.sandbox.paypal.com' },
      arrange: asIssued,
    },
    {
      what: 'of an expired leaf',
      why: 'not yet or no longer valid',
      options: { notAfter: new Date('2026-02-28T00:00:00Z') },
      arrange: asIssued,
    },
    {
      what: 'of a leaf from the future',
      why: 'not yet or no longer valid',
      options: { notBefore: new Date('2026-03-02T00:00:00Z') },
      arrange: asIssued,
    },
    {
      what: 'of an elliptic leaf',
      why: 'does not hold an RSA key',
      options: { leafKey: 'elliptic' },
      arrange: asIssued,
    },
  ])('$what is not trusted, and why is told', async ({ why, options, arrange }) => {
    expect(await verificationOf(options, arrange)).toMatchObject({
      kind: 'rejected',
      code: 'certificate_untrusted',
      reason: expect.stringContaining(why),
    });
  });

  test('in a download of six is trusted', async () => {
    const arrange: Arrange = ({ leafPem, rootPem }) => ({ pem: leafPem.repeat(6), roots: [rootPem] });
    expect(await verificationOf({}, arrange)).toMatchObject({ kind: 'verified' });
  });

  test.each<AuthorityOptions>([{ notBefore: sentAt }, { notAfter: sentAt }])(
    'is valid in the first and in the last second of its leaf: %o',
    async (options) => {
      expect(await verificationOf(options, asIssued)).toMatchObject({ kind: 'verified' });
    },
  );

  test('that has expired does no harm beside one that is valid', async () => {
    const expired = await createThrowawayAuthority({ notAfter: new Date('2026-02-28T00:00:00Z') });
    const [before, now] = [new X509Certificate(expired.leafPem), new X509Certificate(stranger.leafPem)];
    const { publicKey } = now;
    expect(isValidAt({ publicKey, chains: [[before], [now]] }, sentAt)).toBe(true);
    expect(isValidAt({ publicKey, chains: [[now, before]] }, sentAt)).toBe(false);
  });

  test.each(['', '<html>proxy</html>', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'is not looked for in what holds no certificate: %j',
    (pem) => {
      expect(buildChains({ pem, hostName: 'localhost', intermediates: [], roots: [] })).toEqual({
        kind: 'unreadable',
        reason: 'the download holds no readable certificate',
      });
    },
  );
});
