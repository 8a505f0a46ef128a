// oxlint-disable-next-line import/no-unassigned-import -- the SDK takes its runtime from this import's side effects
import '@shopify/shopify-api/adapters/web-api';
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SignedRequest } from '../../signed-request.ts';
import { conformsTo } from '../testing/conformance.ts';
import { shopify } from './provider.ts';
import { signShopifyRequest } from './sign.ts';
import { createShopifyVerifier } from './verify.ts';

const secret = 'shpss_current_client_secret';
const body = Buffer.from(
  '{"id":450789469,"admin_graphql_api_id":"gid://shopify/Order/450789469","updated_at":"2026-03-01T06:59:58-05:00","financial_status":"paid"}',
);
const now = new Date('2026-03-01T12:00:00Z');

function headersOf(given: Buffer, key = secret, topic = 'orders/paid'): Record<string, string> {
  return signShopifyRequest({ body: given, secret: key, topic });
}

function requestOf(given: Buffer, headers: Record<string, string>): SignedRequest {
  const lines = Object.entries(headers).map(([name, value]) => [name, [value]] as const);
  return { method: 'POST', headers: Object.fromEntries(lines), query: '', body: given };
}

conformsTo({
  provider: shopify,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'shpss_previous_client_secret',
  body,
  sign: (given, { secret: key }) => requestOf(given, headersOf(given, key)),
  signatureHeader: 'x-shopify-hmac-sha256',
  encoding: 'base64',
  several: null,
  many: null,
  eventIdAt: null,
  windowSeconds: null,
  expected: {
    eventId: null,
    type: 'Order',
    occurredAt: new Date('2026-03-01T11:59:58Z'),
    providerAccount: null,
  },
});

describe('what nobody signed', () => {
  const verify = createShopifyVerifier({ secrets: [secret] });
  const typeOf = async (given: Buffer, topics: readonly string[]): Promise<unknown> => {
    const request = requestOf(given, headersOf(given));
    const verification = await verify({ ...request, headers: { ...request.headers, 'x-shopify-topic': topics } }, now);
    return verification.kind === 'verified' ? verification.events[0]?.type : verification.kind;
  };

  test('changes nothing about an event whose body says what it is', async () => {
    const plain = await verify(requestOf(body, headersOf(body)), now);
    const relabelled = requestOf(body, {
      ...headersOf(body, secret, 'refunds/create'),
      'x-shopify-shop-domain': 'another.myshopify.com',
      'x-shopify-event-id': '98880550-7158-44d4-b7cd-2c97c8a091b5',
      'x-shopify-webhook-id': 'another',
      'x-shopify-triggered-at': '2020-01-01T00:00:00Z',
    });
    expect(await verify(relabelled, now)).toEqual(plain);
  });

  test('names an event only as unsigned, and not at all where it is no topic', async () => {
    const bare = Buffer.from('{"id":1,"domain":"example.myshopify.com"}');
    expect(await typeOf(bare, ['app/uninstalled'])).toBe('unsigned/app/uninstalled');
    expect(await typeOf(bare, ['a'.repeat(100)])).toBe(`unsigned/${'a'.repeat(100)}`);
    for (const topics of [[], [''], ['a', 'b'], ['App'], ['1app'], ['app1'], ['a'.repeat(101)]]) {
      expect(await typeOf(bare, topics)).toBe('unsigned/unknown');
    }
  });

  test.each(['"gid://shopify/Order/"', '"gid://elsewhere/Order/1"', '"x gid://shopify/Order/1"', '7', '{}'])(
    'nor does %s pass for a global id',
    async (globalId) => {
      expect(await typeOf(Buffer.from(`{"admin_graphql_api_id":${globalId}}`), ['orders/paid'])).toBe(
        'unsigned/orders/paid',
      );
    },
  );
});

test('an event happened when its resource was updated, else processed, else created; another form is no time', async () => {
  const verify = createShopifyVerifier({ secrets: [secret] });
  const [first, second, third] = ['2026-03-01T00:00:01Z', '2026-03-01T00:00:02Z', '2026-03-01T00:00:03Z'];
  for (const [times, expected] of [
    [{ updated_at: third, processed_at: second, created_at: first }, third],
    [{ updated_at: null, processed_at: second, created_at: first }, second],
    [{ updated_at: 'soon', created_at: first }, first],
    [{ created_at: 7 }, null],
    [{}, null],
  ] as const) {
    const dated = Buffer.from(JSON.stringify(times));
    expect(await verify(requestOf(dated, headersOf(dated)), now)).toMatchObject({
      events: [{ occurredAt: expected === null ? null : new Date(expected) }],
    });
  }
});

describe("Shopify's SDK as oracle", () => {
  const { webhooks } = shopifyApi({
    apiKey: 'key',
    apiSecretKey: secret,
    apiVersion: ApiVersion.October26,
    hostName: 'example.com',
    isEmbeddedApp: false,
    logger: { level: LogSeverity.Error, log: () => undefined },
  });
  const verify = createShopifyVerifier({ secrets: [secret] });
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });

  async function acceptedThere(rawBody: string, headers: Record<string, string>): Promise<boolean> {
    const rawRequest = new Request('https://example.com/webhooks/shopify', { method: 'POST', headers });
    return (await webhooks.validate({ rawBody, rawRequest })).valid;
  }

  test('a signature is accepted here exactly when the SDK accepts it', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, fc.boolean(), fc.boolean(), async (given, other, sameBody, sameSecret) => {
        const headers = headersOf(Buffer.from(sameBody ? given : other), sameSecret ? secret : 'another-secret');
        const { kind } = await verify(requestOf(Buffer.from(given), headers), now);
        expect(kind !== 'rejected').toBe(await acceptedThere(given, headers));
      }),
    );
  });

  test('differs in that it wants headers that prove nothing', async () => {
    const { 'x-shopify-hmac-sha256': signature = '' } = headersOf(body);
    const headers = { 'x-shopify-hmac-sha256': signature };
    expect(await acceptedThere(body.toString(), headers)).toBe(false);
    expect(await verify(requestOf(body, headers), now)).toMatchObject({ kind: 'verified' });
  });

  test('differs in that bytes that are no text are one text to it, and another body here', async () => {
    const [one, other] = [Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xef, 0xbf, 0xbd, 0x22])];
    expect(await acceptedThere(one.toString(), headersOf(other))).toBe(true);
    expect(await verify(requestOf(one, headersOf(other)), now)).toMatchObject({ code: 'signature_mismatch' });
  });
});
