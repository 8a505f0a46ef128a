import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { Provider, Verifier } from '../../provider.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { withReason } from './with-reason.ts';

/** What a provider that signs nothing, and sends a token, brings to the suite. */
export interface StaticTokenCase {
  readonly provider: Provider;
  readonly secret: string;
  readonly otherSecret: string;
  /** The header the token stands in, lower case, and how it stands there. */
  readonly header: string;
  readonly valueOf: (token: string) => string;
  readonly body: Buffer;
  readonly expected: { readonly eventId: string; readonly type: string };
}

const now = new Date('2026-03-01T12:00:00Z');

/**
 * The guarantees of a static token: nothing gets in without it, and it proves
 * nothing of the body, so that nothing of the body is translated. The shared
 * conformance suite does not fit: there is no signature that a flipped bit breaks.
 */
export function knowsItsToken(given: StaticTokenCase): void {
  const { provider, secret, otherSecret, header } = given;
  const open = (secrets: readonly unknown[]): Verifier =>
    provider.createVerifier(
      { secrets },
      { exchange: () => Promise.reject(new Error('no exchange')), trustedRoots: [], production: false },
    );
  const request = (values: readonly string[] | undefined, body = given.body): SignedRequest => ({
    method: 'POST',
    query: '',
    headers: { [header]: values },
    body,
  });
  const known = (): SignedRequest => request([given.valueOf(secret)]);
  const verify = async (asked: SignedRequest, at = now) => withReason(await open([secret])(asked, at), secret);

  describe(`${provider.id}'s token`, () => {
    it('is known, and proves nothing but the sender: the tier is none', async () => {
      const verification = await verify(known());
      expect(verification).toMatchObject({ kind: 'verified', tier: 'none', keyId: keyNameOf(secret) });
      expect(verification.kind === 'verified' ? verification.events[0] : null).toMatchObject(given.expected);
    });

    it('that is missing, repeated, wrong, cut short or of another form is refused', async () => {
      for (const values of [undefined, [], ['']])
        expect(await verify(request(values))).toMatchObject({ kind: 'rejected', code: 'signature_missing' });
      const value = given.valueOf(secret);
      for (const [values, problem] of [
        [[value, value], 'was sent 2 times'],
        [['x'.repeat(5_000)], 'is longer than 4096 characters'],
        [[`${value}é`], 'holds characters outside printable ASCII'],
      ] as const)
        expect(await verify(request(values))).toEqual({
          kind: 'rejected',
          code: 'signature_malformed',
          reason: `the ${header} header ${problem}`,
        });
      for (const token of [otherSecret, secret.slice(0, -1), `${secret}x`, secret.toUpperCase()])
        expect(await verify(request([given.valueOf(token)]))).toMatchObject({
          kind: 'rejected',
          code: 'signature_mismatch',
        });
    });

    it('that is missing or of another form is refused by the head alone, in the same words; one that may be right is not', async () => {
      const value = given.valueOf(secret);
      for (const values of [undefined, [], [''], [value, value], ['x'.repeat(5_000)], [`${value}é`]]) {
        const asked = request(values);
        expect(open([secret]).refuse?.(asked)).toEqual(await verify(asked));
      }
      for (const token of [secret, otherSecret])
        expect(open([secret]).refuse?.(request([given.valueOf(token)]))).toBeNull();
    });

    it('with any one character changed is refused', async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: secret.length - 1 }), fc.constantFrom('0', 'a', 'Z', '-'), async (at, other) => {
          fc.pre(secret[at] !== other);
          const changed = `${secret.slice(0, at)}${other}${secret.slice(at + 1)}`;
          expect((await verify(request([given.valueOf(changed)]))).kind).toBe('rejected');
        }),
        { numRuns: 200 },
      );
    });

    it('may be one of several, each until its notAfter', async () => {
      const both = open([otherSecret, { value: secret, notAfter: '2026-03-01T12:00:00Z' }]);
      expect(await both(known(), now)).toMatchObject({ kind: 'verified', keyId: keyNameOf(secret) });
      expect(await both(known(), new Date('2026-03-01T12:00:01Z'))).toMatchObject({ code: 'signature_mismatch' });
    });

    it('around a body that is no event makes it malformed, and nothing of it is said', async () => {
      for (const odd of ['', '{', 'null', '[]', '{}', '"x"', '['.repeat(50_000)])
        expect(await verify(request([given.valueOf(secret)], Buffer.from(odd)))).toMatchObject({
          kind: 'malformed',
          tier: 'none',
          keyId: keyNameOf(secret),
        });
    });

    it('makes no fact of the body', () => {
      expect(provider.translate(given.body)).toEqual([]);
    });

    it('arbitrary JSON under it never throws', async () => {
      await fc.assert(
        fc.asyncProperty(fc.json(), async (text) => {
          const { kind } = await verify(request([given.valueOf(secret)], Buffer.from(text)));
          expect(['verified', 'malformed']).toContain(kind);
        }),
        { numRuns: 200 },
      );
    });
  });
}
