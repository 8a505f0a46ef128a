import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes, matchingSecret } from './hmac.ts';

const bytes = fc.uint8Array({ maxLength: 100 }).map((given) => Buffer.from(given));

describe('the secret that a signature matches', () => {
  // RFC 4231, test case 2.
  const known = { algorithm: 'sha256', parts: [Buffer.from('what do ya want for nothing?')] } as const;
  const digest = Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex');

  test('is found by the published vector of RFC 4231', () => {
    expect(matchingSecret({ ...known, secrets: ['Jefe'], signatures: [digest] })).toBe(0);
    expect(matchingSecret({ ...known, secrets: ['Jeff'], signatures: [digest] })).toBe(-1);
  });

  test('is the first that matches any of the signatures', () => {
    const wrong = Buffer.alloc(32);
    expect(matchingSecret({ ...known, secrets: ['no', 'Jefe', 'Jefe'], signatures: [wrong, digest] })).toBe(1);
    expect(matchingSecret({ ...known, secrets: ['Jefe', 'no'], signatures: [digest, wrong] })).toBe(0);
  });

  test('is none without secrets or without signatures', () => {
    expect(matchingSecret({ ...known, secrets: [], signatures: [digest] })).toBe(-1);
    expect(matchingSecret({ ...known, secrets: ['Jefe'], signatures: [] })).toBe(-1);
    expect(matchingSecret({ ...known, secrets: ['Jefe'], signatures: [Buffer.alloc(0), digest.subarray(0, 31)] })).toBe(
      -1,
    );
  });

  test('depends on the bytes of the parts together, not on how they are cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('sha1', 'sha256', 'sha512'),
        fc.string({ minLength: 1, maxLength: 300 }),
        fc.array(bytes, { minLength: 1, maxLength: 5 }),
        (algorithm, secret, parts) => {
          const signatures = [createHmac(algorithm, secret).update(Buffer.concat(parts)).digest()];
          expect(matchingSecret({ algorithm, secrets: ['other secret', secret], parts, signatures })).toBe(
            secret === 'other secret' ? 0 : 1,
          );
          expect(
            matchingSecret({ algorithm, secrets: [secret], parts: [...parts, Buffer.from([0])], signatures }),
          ).toBe(-1);
        },
      ),
    );
  });

  test('is found for a body of any size', () => {
    for (const size of [65_000, 65_472, 65_473, 200_000]) {
      const body = Buffer.alloc(size, 'body');
      const signatures = [createHmac('sha256', 'secret').update('1.').update(body).digest()];
      const signed = { algorithm: 'sha256', parts: ['1.', body], signatures } as const;
      expect(matchingSecret({ ...signed, secrets: ['another', 'secret'] })).toBe(1);
      expect(matchingSecret({ ...signed, parts: ['2.', body], secrets: ['secret'] })).toBe(-1);
    }
  });
});

test('bytes are equal to themselves alone, and other lengths are unequal rather than an error', () => {
  fc.assert(
    fc.property(bytes, bytes, (one, other) => {
      expect(equalBytes(one, Buffer.from(one))).toBe(true);
      expect(equalBytes(one, other)).toBe(one.equals(other));
    }),
  );
});

test('a view into a larger buffer is compared by its own bytes', () => {
  const larger = Buffer.from('xxabcxx');
  expect(equalBytes(larger.subarray(2, 5), Buffer.from('abc'))).toBe(true);
  expect(equalBytes(larger.subarray(0, 3), Buffer.from('abc'))).toBe(false);
});
