import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProviderEffects, Verifier } from '../../provider.ts';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import type { Rejection, Verification } from '../../verification.ts';
import { describeBody } from './conformance-body.ts';
import { now, type ConformanceCase } from './conformance-case.ts';
import { describeHeader } from './conformance-header.ts';
import { describeWindow } from './conformance-window.ts';
import { withReason } from './with-reason.ts';

const effects: ProviderEffects = {
  exchange: async (request) => Promise.reject(new Error(`unexpected exchange with ${request.url}`)),
  trustedRoots: [],
  production: false,
};

/** The guarantees that every provider's verifier gives. One call in each provider's verify.test.ts. */
export function conformsTo(given: ConformanceCase): void {
  const { provider, body, secret, otherSecret, sign, signatureHeader, covers = 'body' } = given;
  // Where the signature is in the body, a body that cannot be read carries none.
  const unreadable = covers === 'body' ? 'malformed' : 'rejected';
  const open = (secrets: Parameters<ConformanceCase['settingsWith']>[0]): Verifier =>
    provider.createVerifier(given.settingsWith(secrets), effects);
  const refuse = ({ method, headers, query }: SignedRequest): Rejection | null =>
    open([secret]).refuse?.({ method, headers, query }) ?? null;
  const verify = async (request: SignedRequest, at: Date = now): Promise<Verification> => {
    const verification = withReason(await open([secret])(request, at), secret);
    const refusal = refuse(request);
    // Whatever is said before the body has come is what would be said after it.
    if (refusal !== null) expect(verification).toEqual(refusal);
    return verification;
  };
  const signed = (): SignedRequest => sign(body, { secret, at: now });

  describe(`${provider.id} conforms`, () => {
    it('a request signed as the provider signs is verified and described', async () => {
      const verification = await verify(signed());
      expect(verification).toMatchObject({ kind: 'verified', tier: given.tier, keyId: keyNameOf(secret) });
      expect(verification.kind === 'verified' ? verification.events[0] : null).toMatchObject(given.expected);
    });

    it('a wrong secret is refused', async () => {
      const forged = sign(body, { secret: otherSecret, at: now });
      expect(await verify(forged)).toMatchObject({ kind: 'rejected', code: 'signature_mismatch' });
    });

    it('both secrets of a rotation are accepted, and the key id tells which', async () => {
      const both = open([secret, otherSecret]);
      expect(await both(signed(), now)).toMatchObject({ kind: 'verified', keyId: keyNameOf(secret) });
      expect(await both(sign(body, { secret: otherSecret, at: now }), now)).toMatchObject({
        kind: 'verified',
        keyId: keyNameOf(otherSecret),
      });
    });

    it('an old secret is accepted until its notAfter and not afterwards', async () => {
      const old = sign(body, { secret: otherSecret, at: now });
      const until = (notAfter: string): Verifier => open([secret, { value: otherSecret, notAfter }]);
      expect(await until('2026-03-01T12:00:00Z')(old, now)).toMatchObject({ kind: 'verified' });
      expect(await until('2026-03-01T11:59:59Z')(old, now)).toMatchObject({
        kind: 'rejected',
        code: 'signature_mismatch',
      });
    });

    it(`an empty body that was signed is ${unreadable}, not an error and not an event`, async () => {
      const empty = Buffer.alloc(0);
      expect((await verify(sign(empty, { secret, at: now }))).kind).toBe(unreadable);
    });

    it.each([
      ['not JSON', Buffer.from('{"')],
      ['not UTF-8', Buffer.from([0xff, 0xfe, 0x7b, 0x7d])],
      ['a list', Buffer.from('[]')],
      ['null', Buffer.from('null')],
      ['nested without end', Buffer.from('['.repeat(100_000))],
      ['ten megabytes of empty objects', Buffer.from(`[${'{},'.repeat(3_495_000)}1]`)],
    ])(`a signed body that is %s is ${unreadable}, and the reason quotes nothing of it`, async (_what, odd) => {
      const verification = await verify(sign(odd, { secret, at: now }));
      expect(verification.kind).toBe(unreadable);
    });

    it('arbitrary signed JSON never throws', async () => {
      await fc.assert(
        fc.asyncProperty(fc.json(), async (text) => {
          const { kind } = await verify(sign(Buffer.from(text), { secret, at: now }));
          expect(covers === 'body' ? ['verified', 'malformed'] : [unreadable]).toContain(kind);
        }),
        { numRuns: 300 },
      );
    });

    it('translating arbitrary JSON gives facts or a permanent failure, never anything else', () => {
      fc.assert(
        fc.property(fc.json(), (text) => {
          try {
            provider.translate(Buffer.from(text));
          } catch (error) {
            expect(error).toMatchObject({ name: 'PermanentError' });
          }
        }),
        { numRuns: 500 },
      );
    });

    it('wrong settings are one error that repeats no secret', () => {
      const wrong = 'with space and secret';
      expect(() => provider.createVerifier({ ...given.settingsWith([secret]), secrets: [wrong] }, effects)).toThrow(
        expect.objectContaining({ name: 'ConfigurationError', message: expect.not.stringContaining(wrong) }),
      );
      expect(() => provider.createVerifier({}, effects)).toThrow(
        expect.objectContaining({ name: 'ConfigurationError' }),
      );
    });
  });

  describeBody({ given, verify, signed, refuse });
  if (signatureHeader !== null) describeHeader({ given, header: signatureHeader, verify, signed, refuse });
  if (given.windowSeconds !== null) describeWindow({ given, windowSeconds: given.windowSeconds, verify });
}
