import coinbaseCommerceNode from 'coinbase-commerce-node';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SignedRequest } from '../../signed-request.ts';
import { conformsTo } from '../testing/conformance.ts';
import { chargeEvent } from './fixtures/events.ts';
import { coinbaseCommerce } from './provider.ts';
import { signCoinbaseCommerceRequest } from './sign.ts';
import { createCoinbaseCommerceVerifier } from './verify.ts';

const secret = '2fd6d0a2-8b37-4d5e-9f5f-shared-secret';

function requestOf(body: Buffer, signature: string): SignedRequest {
  return { method: 'POST', headers: { 'x-cc-webhook-signature': [signature] }, query: '', body };
}

function signatureOf(body: Buffer, key: string): string {
  return signCoinbaseCommerceRequest({ body, secret: key })['x-cc-webhook-signature'] ?? '';
}

conformsTo({
  provider: coinbaseCommerce,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'another-shared-secret',
  body: chargeEvent({ type: 'charge:created' }),
  sign: (body, options) => requestOf(body, signatureOf(body, options.secret)),
  signatureHeader: 'x-cc-webhook-signature',
  encoding: 'hex',
  several: null,
  many: null,
  eventIdAt: { path: ['event', 'id'], without: 'malformed' },
  windowSeconds: null,
  expected: {
    eventId: '9cfb5f03-48d7-4ef1-9c8e-6a2f3d1a7c11',
    type: 'charge:created',
    occurredAt: new Date('2023-08-30T19:29:20Z'),
    providerAccount: null,
  },
});

test('an event is of the version of the API that it names, and of none where it names none', async () => {
  const verify = createCoinbaseCommerceVerifier({ secrets: [secret] });
  for (const [api_version, apiVersion] of [
    ['2018-03-22', '2018-03-22'],
    [null, null],
    [undefined, null],
  ]) {
    const body = Buffer.from(JSON.stringify({ event: { id: 'e', type: 'charge:created', api_version } }));
    expect(await verify(requestOf(body, signatureOf(body, secret)), new Date())).toMatchObject({
      events: [{ eventId: 'e', apiVersion, occurredAt: null }],
    });
  }
});

describe('the official SDK as oracle', () => {
  const verify = createCoinbaseCommerceVerifier({ secrets: [secret] });
  const genuine = async (body: Buffer, signature: string): Promise<boolean> =>
    (await verify(requestOf(body, signature), new Date())).kind !== 'rejected';
  const genuineThere = (body: Buffer, signature: string): boolean => {
    try {
      return coinbaseCommerceNode.Webhook.verifySigHeader(body, signature, secret);
    } catch {
      return false;
    }
  };
  const bytes = fc.uint8Array({ maxLength: 500 }).map((array) => Buffer.from(array));
  const text = fc.string({ unit: 'binary' });

  test('what it signs is genuine here', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (payload) => {
        expect(
          await genuine(Buffer.from(payload), coinbaseCommerceNode.Webhook.computeSignature(payload, secret)),
        ).toBe(true);
      }),
    );
  });

  test('what is signed here is genuine there', () => {
    fc.assert(
      fc.property(bytes, (body) => {
        expect(genuineThere(body, signatureOf(body, secret))).toBe(true);
      }),
    );
  });

  test('what one refuses, the other does', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, bytes, async (body, other) => {
        fc.pre(!body.equals(other));
        const signature = signatureOf(other, secret);
        expect(genuineThere(body, signature)).toBe(false);
        expect(await genuine(body, signature)).toBe(false);
      }),
    );
  });

  test('a signature in capitals is the same bytes here, and another text there', async () => {
    const body = chargeEvent({ type: 'charge:created' });
    const capitals = signatureOf(body, secret).toUpperCase();
    expect(genuineThere(body, capitals)).toBe(false);
    expect(await genuine(body, capitals)).toBe(true);
  });
});
