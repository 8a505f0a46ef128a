import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rotatingSecrets, secretsActiveAt } from './rotating-secrets.ts';

test('secrets are named by position unless they name themselves', () => {
  const secrets = rotatingSecrets.parse(['first-secret', { value: 'second-secret', name: 'spring' }, 'third-secret']);
  expect(secrets.map(({ name }) => name)).toEqual(['secret-1', 'spring', 'secret-3']);
});

test('a secret counts from its notBefore to its notAfter, both included, and keeps its place', () => {
  const secrets = rotatingSecrets.parse([
    { value: 'new-secret', notBefore: '2026-02-01T00:00:00Z' },
    { value: 'old-secret', notAfter: '2026-02-03T00:00:00+01:00' },
  ]);
  const namesAt = (time: string): readonly string[] => secretsActiveAt(secrets, new Date(time)).map(({ name }) => name);
  expect(namesAt('2026-01-31T23:59:59Z')).toEqual(['secret-2']);
  expect(namesAt('2026-02-01T00:00:00Z')).toEqual(['secret-1', 'secret-2']);
  expect(namesAt('2026-02-02T23:00:00Z')).toEqual(['secret-1', 'secret-2']);
  expect(namesAt('2026-02-02T23:00:01Z')).toEqual(['secret-1']);
});

test('no problem repeats a secret', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 12 }), (text) => {
      const secret = `s3cr3t ${text}`;
      const parsed = rotatingSecrets.safeParse([secret, { value: secret, notAfter: secret }]);
      expect(parsed.success).toBe(false);
      expect(JSON.stringify(parsed.error?.issues.map((issue) => issue.message))).not.toContain('s3cr3t');
    }),
  );
});

test('none, and more than ten, are refused', () => {
  expect(rotatingSecrets.safeParse([]).success).toBe(false);
  expect(rotatingSecrets.safeParse(Array.from({ length: 11 }, (_, index) => `secret-of-${index}`)).success).toBe(false);
});
