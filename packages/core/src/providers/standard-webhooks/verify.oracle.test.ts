import * as fc from 'fast-check';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { delivery, secret, signedAt } from './fixtures/deliveries.ts';
import { createStandardWebhooksVerifier } from './verify.ts';

/**
 * The reference library and Svix's as oracles, in both directions. They
 * decode a body before they verify it, and read the clock themselves.
 */
const libraries = [
  { name: 'standardwebhooks', family: 'webhook', Library: StandardWebhook },
  { name: 'svix', family: 'svix', Library: SvixWebhook },
] as const;

const verify = createStandardWebhooksVerifier({ secrets: [secret] });
const json = fc.oneof(
  fc.json(),
  fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()).map((value) => JSON.stringify(value)),
);
const id = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);

beforeEach(() => {
  vi.useFakeTimers({ now: signedAt });
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each(libraries)('$name', ({ family, Library }) => {
  const there = new Library(secret);
  const acceptedThere = (headers: Record<string, string>, body: Buffer): boolean => {
    try {
      there.verify(body, headers);
      return true;
    } catch {
      return false;
    }
  };
  const flat = (headers: Readonly<Record<string, readonly string[] | undefined>>): Record<string, string> =>
    Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values?.[0] ?? '']));

  test('what it signs is genuine here', async () => {
    await fc.assert(
      fc.asyncProperty(json, id, async (text, messageId) => {
        const { headers, ...request } = delivery({ body: Buffer.from(text), id: messageId, family });
        const signature = there.sign(messageId, signedAt, text);
        const { kind } = await verify(
          { ...request, headers: { ...headers, [`${family}-signature`]: [signature] } },
          signedAt,
        );
        expect(['verified', 'malformed']).toContain(kind);
      }),
      { numRuns: 300 },
    );
  });

  test('what is signed here is genuine there', () => {
    fc.assert(
      fc.property(json, id, (text, messageId) => {
        const body = Buffer.from(text);
        expect(acceptedThere(flat(delivery({ body, id: messageId, family }).headers), body)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('what one refuses for another body, the other does', async () => {
    await fc.assert(
      fc.asyncProperty(json, json, async (text, other) => {
        fc.pre(text !== other);
        const { headers } = delivery({ body: Buffer.from(text), family });
        const body = Buffer.from(other);
        expect(acceptedThere(flat(headers), body)).toBe(false);
        expect((await verify({ method: 'POST', query: '', headers, body }, signedAt)).kind).toBe('rejected');
      }),
      { numRuns: 300 },
    );
  });

  test('it takes a body that is not UTF-8 for the one it decodes to; here the bytes count', async () => {
    const text = '{"name":"\uFFFD"}';
    const broken = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const { headers } = delivery({ body: Buffer.from(text), family });
    expect(acceptedThere(flat(headers), broken)).toBe(true);
    expect(await verify({ method: 'POST', query: '', headers, body: broken }, signedAt)).toMatchObject({
      code: 'signature_mismatch',
    });
  });

  test('it reads the digits a timestamp begins with; here there is nothing else in it', async () => {
    const { headers, ...request } = delivery({ family });
    const trailing = { ...headers, [`${family}-timestamp`]: [`${signedAt.getTime() / 1000}abc`] };
    expect(acceptedThere(flat(trailing), request.body)).toBe(true);
    expect(await verify({ ...request, headers: trailing }, signedAt)).toMatchObject({ code: 'signature_malformed' });
  });

  test('it mixes no key formats either: raw there is raw here', async () => {
    const raw = new Library('the text itself'.replaceAll(' ', '-'), { format: 'raw' });
    const here = createStandardWebhooksVerifier({ secrets: ['the-text-itself'], format: 'raw' });
    const { headers, ...request } = delivery({ family });
    const signature = raw.sign('msg_2KWPBgLlAfxdpx2AI54pPJ85f4W', signedAt, request.body);
    expect(
      (await here({ ...request, headers: { ...headers, [`${family}-signature`]: [signature] } }, signedAt)).kind,
    ).toBe('verified');
  });
});

test('svix fills a header missing in one family from the other; here families are never mixed', async () => {
  const { headers, ...request } = delivery({ family: 'svix' });
  const mixed = { 'webhook-id': headers['svix-id'], ...headers, 'svix-id': undefined };
  const there = new SvixWebhook(secret);
  expect(() =>
    there.verify(request.body, {
      'webhook-id': headers['svix-id']?.[0] ?? '',
      'svix-timestamp': headers['svix-timestamp']?.[0] ?? '',
      'svix-signature': headers['svix-signature']?.[0] ?? '',
    }),
  ).not.toThrow();
  expect(await verify({ ...request, headers: mixed }, signedAt)).toMatchObject({ code: 'signature_missing' });
});
