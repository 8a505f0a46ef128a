import { expect, test } from 'vitest';
import { longestLimitMs } from './longest-first.ts';

test('what a file may take is the longest time limit in it', () => {
  expect(longestLimitMs(`test('a', { timeout: 60_000 }, f);\ntest('b', { timeout: 300_000 }, f);`)).toBe(300_000);
});

test('it may stand after the test as well', () => {
  expect(longestLimitMs(`beforeAll(async () => {\n}, 180_000);`)).toBe(180_000);
});

test('a file whose tests have the usual limit may take no longer than others', () => {
  expect(longestLimitMs(`test('a', f); // timeoutMs: 90_000`)).toBe(0);
});
