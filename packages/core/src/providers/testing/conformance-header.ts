import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { now, type ConformanceContext } from './conformance-case.ts';

/** The guarantees of the header that holds the signature. */
export function describeHeader(context: ConformanceContext & { readonly header: string }): void {
  const { given, header, verify, signed, refuse } = context;
  const withHeader = (values: readonly string[] | undefined): SignedRequest => ({
    ...signed(),
    headers: { ...signed().headers, [header]: values },
  });
  const value = signed().headers[header]?.[0] ?? '';
  const malformed = { kind: 'rejected', code: 'signature_malformed' };

  describe(`${given.provider.id}'s ${header} header`, () => {
    it('missing or empty is signature_missing', async () => {
      for (const values of [undefined, [], ['']]) {
        expect(await verify(withHeader(values))).toMatchObject({ kind: 'rejected', code: 'signature_missing' });
      }
    });

    if (given.elsewhereInBody !== true)
      it('missing or of another form is refused by the head alone', () => {
        for (const values of [undefined, [], [''], ['x'.repeat(5_000)], ['nonsense']])
          expect(refuse(withHeader(values)), JSON.stringify(values)?.slice(0, 60)).not.toBeNull();
        expect(refuse(signed())).toBeNull();
      });

    it('oversized, non-ASCII or of another form is signature_malformed', async () => {
      for (const values of [['x'.repeat(5_000)], [`${value}é`], ['nonsense'], [`${value}\u0000`]]) {
        expect(await verify(withHeader(values)), JSON.stringify(values).slice(0, 60)).toMatchObject(malformed);
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

    describeSeveral({ ...context, withHeader, value });
    if (given.encoding !== null) describeEncoding({ ...context, withHeader, value, encoding: given.encoding });
  });
}

type HeaderContext = Parameters<typeof describeHeader>[0] & {
  readonly withHeader: (values: readonly string[] | undefined) => SignedRequest;
  readonly value: string;
};

function describeSeveral({ given, header, verify, withHeader, value }: HeaderContext): void {
  const { several, sign, body, secret, otherSecret } = given;
  const under = (other: string): string => sign(body, { secret: other, at: now }).headers[header]?.[0] ?? '';
  if (several === null) {
    it('holds one signature: a second one, in the header or in another, is signature_malformed', async () => {
      const foreign = under(otherSecret);
      for (const values of [[value, value], [value, foreign], [`${value},${foreign}`], [`${value} ${foreign}`]])
        expect((await verify(withHeader(values))).kind).toBe('rejected');
      expect(await verify(withHeader([value, value]))).toMatchObject({ code: 'signature_malformed' });
    });
    return;
  }
  it('may hold several signatures, of which one that matches is enough, wherever it stands', async () => {
    const foreign = under(otherSecret);
    for (const values of [
      [value, foreign],
      [foreign, value],
      [value, value],
    ])
      expect(await verify(withHeader(several(values)))).toMatchObject({
        kind: 'verified',
        keyId: keyNameOf(secret),
      });
    expect(await verify(withHeader(several([foreign, foreign])))).toMatchObject({
      kind: 'rejected',
      code: 'signature_mismatch',
    });
  });

  it('that holds more signatures than the provider has secrets is signature_malformed', async () => {
    const many = Array.from({ length: 40 }, () => value);
    expect(await verify(withHeader(several(many)))).toMatchObject({ kind: 'rejected', code: 'signature_malformed' });
  });
}

function describeEncoding({
  given,
  header,
  verify,
  withHeader,
  value,
  encoding,
}: HeaderContext & { readonly encoding: 'hex' | 'base64' }): void {
  if (encoding === 'hex') {
    it('is hex: an odd, a short, a long one and base64 of the same bytes are refused; case does not matter', async () => {
      const hex = /[0-9a-f]{40,}/.exec(value)?.[0] ?? '';
      expect(hex).not.toBe('');
      const base64 = Buffer.from(hex, 'hex').toString('base64');
      for (const written of [hex.slice(1), hex.slice(2), `${hex}00`, `0x${hex}`, ` ${hex.slice(0, -1)}g`, base64])
        expect((await verify(withHeader([value.replace(hex, written)]))).kind, written).toBe('rejected');
      expect((await verify(withHeader([value.replace(hex, hex.toUpperCase())]))).kind).toBe('verified');
    });
    return;
  }
  it('is canonical base64: URL-safe, unpadded, spaced or with stray bits it is refused', async () => {
    const { request, base64 } = withTellingSignature({ given, header });
    const [signed = ''] = request.headers[header] ?? [];
    for (const written of [
      base64.replaceAll('+', '-').replaceAll('/', '_'),
      base64.replaceAll('=', ''),
      `${base64}=`,
      `${base64.slice(0, 10)} ${base64.slice(10)}`,
      `${base64.slice(0, 10)}\n${base64.slice(10)}`,
      withStrayBits(base64),
      Buffer.from(base64, 'base64').toString('hex'),
    ]) {
      const changed = { ...request, headers: { ...request.headers, [header]: [signed.replace(base64, written)] } };
      expect((await verify(changed)).kind, written).toBe('rejected');
    }
    expect((await verify(request)).kind).not.toBe('rejected');
  });
}

/** A signed body whose signature has a character that URL-safe base64 writes otherwise. */
function withTellingSignature({ given, header }: Pick<HeaderContext, 'given' | 'header'>): {
  readonly request: SignedRequest;
  readonly base64: string;
} {
  for (let spaces = 0; spaces < 100; spaces += 1) {
    const body = Buffer.concat([given.body, Buffer.from(' '.repeat(spaces))]);
    const request = given.sign(body, { secret: given.secret, at: now });
    const base64 = /[A-Za-z0-9+/]{26,}={1,2}/.exec(request.headers[header]?.[0] ?? '')?.[0] ?? '';
    if (/[+/]/.test(base64)) return { request, base64 };
  }
  throw new Error('no signature of a hundred has a + or a /');
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The same bytes, were one lenient: the last character before the padding has bits that stand for nothing. */
function withStrayBits(base64: string): string {
  const end = base64.indexOf('=');
  const last = alphabet[(alphabet.indexOf(base64[end - 1] ?? 'A') | 1) % 64] ?? 'B';
  return `${base64.slice(0, end - 1)}${last}${base64.slice(end)}`;
}
