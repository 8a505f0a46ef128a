import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyNameOf, rotatingSecrets, secretsActiveAt } from './rotating-secrets.ts';

test('a secret keeps its name wherever it stands, and has the one that it is given', () => {
  const names = (...secrets: readonly unknown[]) => rotatingSecrets.parse(secrets).map(({ name }) => name);
  expect(names('second-secret', 'first-secret')).toEqual([keyNameOf('second-secret'), ...names('first-secret')]);
  expect(names({ value: 'second-secret', name: 'spring' })).toEqual(['spring']);
  expect(keyNameOf('first-secret')).toMatch(/^key-[0-9a-f]{6}$/);
  expect(keyNameOf('first-secret')).not.toBe(keyNameOf('first-secrets'));
});

test('one secret twice, or two by one name, are refused', () => {
  const twins = [
    { value: 'first-secret', name: 'spring' },
    { value: 'second-secret', name: 'spring' },
  ];
  for (const secrets of [['first-secret', 'first-secret'], twins])
    expect(rotatingSecrets.safeParse(secrets).error?.issues[0]?.message).toBe('must not name one secret twice');
});

test('a secret counts from its notBefore to its notAfter, both included, and keeps its place', () => {
  const secrets = rotatingSecrets.parse([
    { value: 'new-secret', notBefore: '2026-02-01T00:00:00Z' },
    { value: 'old-secret', notAfter: '2026-02-03T00:00:00+01:00' },
  ]);
  const [newer, older] = ['new-secret', 'old-secret'].map(keyNameOf);
  const namesAt = (time: string): readonly string[] => secretsActiveAt(secrets, new Date(time)).map(({ name }) => name);
  expect(namesAt('2026-01-31T23:59:59Z')).toEqual([older]);
  expect(namesAt('2026-02-01T00:00:00Z')).toEqual([newer, older]);
  expect(namesAt('2026-02-02T23:00:00Z')).toEqual([newer, older]);
  expect(namesAt('2026-02-02T23:00:01Z')).toEqual([newer]);
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
