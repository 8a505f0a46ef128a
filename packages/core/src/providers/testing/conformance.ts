import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Provider, ProviderEffects, Verifier } from '../../provider.ts';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import type { Tier, Verification } from '../../verification.ts';

/** What a provider brings to the suite: how it signs, and one event of its own. */
export interface ConformanceCase {
  readonly provider: Provider;
  readonly tier: Tier;
  /** Settings under this one secret, or the two of a rotation. */
  readonly settingsWith: (
    secrets: readonly (string | { readonly value: string; readonly notAfter: string })[],
  ) => Record<string, unknown>;
  readonly secret: string;
  readonly otherSecret: string;
  /** An event as the provider renders one. */
  readonly body: Buffer;
  /** Signs a body at a time, as the provider does. */
  readonly sign: (body: Buffer, options: { readonly secret: string; readonly at: Date }) => SignedRequest;
  /**
   * What the signature is over; `body` where absent. `fields` is for a
   * signature that stands in the body beside the few fields it covers, and
   * switches off exactly what cannot hold there: that every flipped bit and
   * every re-written body is refused, and that an unreadable body can be
   * signed at all (it is rejected instead of malformed). A provider that says
   * `fields` owes its own tests that no covered field can be changed and that
   * nothing else is acted upon.
   */
  readonly covers?: 'body' | 'fields';
  /** The header that holds the signature, lower case; null where it is in the body. */
  readonly signatureHeader: string | null;
  /** How far off the signed time may be; null where no time is signed. */
  readonly windowSeconds: number | null;
  readonly expected: {
    readonly eventId: string | null;
    readonly type: string;
    readonly occurredAt: Date | null;
    readonly providerAccount: string | null;
  };
}

const now = new Date('2026-03-01T12:00:00Z');

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
  const verify = async (request: SignedRequest, at: Date = now): Promise<Verification> => open([secret])(request, at);
  const signed = (): SignedRequest => sign(body, { secret, at: now });

  describe(`${provider.id} conforms`, () => {
    it('a request signed as the provider signs is verified and described', async () => {
      const verification = await verify(signed());
      expect(verification).toMatchObject({ kind: 'verified', tier: given.tier, keyId: keyNameOf(secret) });
      expect(verification.kind === 'verified' ? verification.events[0] : null).toMatchObject(given.expected);
    });

    if (covers === 'body') {
      it('no single flipped bit of the body is accepted', async () => {
        await fc.assert(
          fc.asyncProperty(fc.nat({ max: body.length * 8 - 1 }), async (bit) => {
            expect((await verify({ ...signed(), body: withFlippedBit(body, bit) })).kind).not.toBe('verified');
          }),
          { numRuns: 300 },
        );
      });

      it('a body that was parsed and written again is refused', async () => {
        const spaced = Buffer.concat([body, Buffer.from(' ')]);
        expect(await verify({ ...signed(), body: spaced })).toMatchObject({
          kind: 'rejected',
          code: 'signature_mismatch',
        });
      });
    }

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

  if (signatureHeader !== null) describeHeader({ given, header: signatureHeader, verify, signed });
  if (given.windowSeconds !== null) describeWindow({ given, windowSeconds: given.windowSeconds, verify });
}

interface Context {
  readonly given: ConformanceCase;
  readonly verify: (request: SignedRequest, at?: Date) => Promise<Verification>;
}

function describeHeader({
  given,
  header,
  verify,
  signed,
}: Context & { readonly header: string; readonly signed: () => SignedRequest }): void {
  const withHeader = (values: readonly string[] | undefined): SignedRequest => ({
    ...signed(),
    headers: { ...signed().headers, [header]: values },
  });
  const value = signed().headers[header]?.[0] ?? '';

  describe(`${given.provider.id}'s ${header} header`, () => {
    it('missing or empty is signature_missing', async () => {
      for (const values of [undefined, [], ['']]) {
        expect(await verify(withHeader(values))).toMatchObject({ kind: 'rejected', code: 'signature_missing' });
      }
    });

    it('repeated, oversized, non-ASCII or of another form is signature_malformed', async () => {
      for (const values of [[value, value], ['x'.repeat(5_000)], [`${value}é`], ['nonsense'], [`${value}\u0000`]]) {
        expect(await verify(withHeader(values)), JSON.stringify(values).slice(0, 60)).toMatchObject({
          kind: 'rejected',
          code: 'signature_malformed',
        });
      }
    });

    it('with any one character changed is never accepted', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: value.length - 1 }),
          fc.constantFrom('0', '1', 'a', 'Z', '-', '='),
          async (place, character) => {
            fc.pre(value[place]?.toLowerCase() !== character.toLowerCase());
            const changed = `${value.slice(0, place)}${character}${value.slice(place + 1)}`;
            expect((await verify(withHeader([changed]))).kind).toBe('rejected');
          },
        ),
        { numRuns: 300 },
      );
    });
  });
}

function describeWindow({ given, windowSeconds, verify }: Context & { readonly windowSeconds: number }): void {
  const { body, secret, otherSecret, sign } = given;
  const shifted = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);

  describe(`${given.provider.id}'s window of ${windowSeconds} seconds`, () => {
    it('holds both ways, its ends included', async () => {
      for (const seconds of [-windowSeconds, windowSeconds]) {
        expect((await verify(sign(body, { secret, at: now }), shifted(seconds))).kind).toBe('verified');
      }
      for (const seconds of [-windowSeconds - 1, windowSeconds + 1]) {
        expect(await verify(sign(body, { secret, at: now }), shifted(seconds))).toMatchObject({
          kind: 'rejected',
          code: 'signature_stale',
        });
      }
    });

    it('is spoken of only to the holder of the secret', async () => {
      const forged = sign(body, { secret: otherSecret, at: now });
      expect(await verify(forged, shifted(windowSeconds * 10))).toMatchObject({
        kind: 'rejected',
        code: 'signature_mismatch',
      });
    });
  });
}

function withFlippedBit(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}
