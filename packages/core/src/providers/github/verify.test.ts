import { sign, verify as verifyThere } from '@octokit/webhooks-methods';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { conformsTo } from '../testing/conformance.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { github } from './provider.ts';
import { signGithubRequest } from './sign.ts';
import { createGithubVerifier } from './verify.ts';

const secret = 'current-webhook-secret';
const body = Buffer.from('{"action":"opened","issue":{"number":1},"repository":{"full_name":"octocat/hello"}}');
const now = new Date('2026-03-01T12:00:00Z');

function requestOf(given: Buffer, signature: string, headers: Record<string, readonly string[]> = {}): SignedRequest {
  return { method: 'POST', headers: { 'x-hub-signature-256': [signature], ...headers }, query: '', body: given };
}

function signatureOf(given: Buffer, key = secret): string {
  return signGithubRequest({ body: given, secret: key, event: 'issues' })['x-hub-signature-256'] ?? '';
}

conformsTo({
  provider: github,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'previous-webhook-secret',
  body,
  sign: (given, { secret: key }) => {
    const headers = signGithubRequest({ body: given, secret: key, event: 'issues' });
    return requestOf(given, headers['x-hub-signature-256'] ?? '', {
      'x-github-event': [headers['x-github-event'] ?? ''],
    });
  },
  signatureHeader: 'x-hub-signature-256',
  encoding: 'hex',
  several: null,
  many: null,
  eventIdAt: null,
  windowSeconds: null,
  expected: { eventId: null, type: 'unsigned/issues', occurredAt: null, providerAccount: null },
});

test.each(published.vectors)(
  'the published signature of $src verifies',
  async ({ secret: key, body: text, header }) => {
    const verification = await createGithubVerifier({ secrets: [key] })(requestOf(Buffer.from(text), header), now);
    expect(verification).toMatchObject({ kind: 'verified', keyId: keyNameOf(key) });
  },
);

describe('what nobody signed', () => {
  const verify = createGithubVerifier({ secrets: [secret] });
  const typeUnder = async (values: readonly string[]): Promise<unknown> => {
    const verification = await verify(requestOf(body, signatureOf(body), { 'x-github-event': values }), now);
    return verification.kind === 'verified' ? verification.events[0]?.type : verification.kind;
  };

  test('names the event only as unsigned, and not at all where it is no name', async () => {
    expect(await typeUnder(['pull_request'])).toBe('unsigned/pull_request');
    for (const values of [[], [''], ['push', 'ping'], ['Push'], ['a'.repeat(65)], ['push\n']]) {
      expect(await typeUnder(values)).toBe('unsigned/unknown');
    }
  });

  test('a delivery id makes no other event of a body', async () => {
    const plain = await verify(requestOf(body, signatureOf(body)), now);
    const labelled = requestOf(body, signatureOf(body), { 'x-github-delivery': ['72d3162e-cc78-11e3-81ab'] });
    expect(await verify(labelled, now)).toEqual(plain);
    expect(plain).toMatchObject({ transmissionId: null, events: [{ eventId: null }] });
  });

  test('the SHA-1 signature of old is not looked at', async () => {
    const request = { method: 'POST', headers: { 'x-hub-signature': ['sha1=00'] }, query: '', body };
    expect(await verify(request, now)).toMatchObject({ code: 'signature_missing' });
  });
});

describe("GitHub's own library as oracle", () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
  const verify = createGithubVerifier({ secrets: [secret] });

  test('what it signs is genuine here', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const { kind } = await verify(requestOf(Buffer.from(given), await sign(secret, given)), now);
        expect(kind).not.toBe('rejected');
      }),
    );
  });

  test('a signature is accepted here exactly when it accepts it', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, fc.boolean(), fc.boolean(), async (given, other, sameBody, sameSecret) => {
        const signature = signatureOf(Buffer.from(sameBody ? given : other), sameSecret ? secret : 'another-secret');
        const { kind } = await verify(requestOf(Buffer.from(given), signature), now);
        expect(kind !== 'rejected').toBe(await verifyThere(secret, given, signature));
      }),
    );
  });

  test('differs in that it takes text alone, so that bytes that are no text can only be decoded for it', async () => {
    const [one, other] = [Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xef, 0xbf, 0xbd, 0x22])];
    expect(await verifyThere(secret, one.toString(), signatureOf(other))).toBe(true);
    expect(await verify(requestOf(one, signatureOf(other)), now)).toMatchObject({ code: 'signature_mismatch' });
  });
});
