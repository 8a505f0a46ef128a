import { expect, test } from 'vitest';
import { createRefusalLines } from './refusal-lines.ts';

test('twenty refusals a second have a line of their own, and none of the others is lost from the sum', () => {
  let now = 0;
  const sums: Readonly<Record<string, number>>[] = [];
  const lines = createRefusalLines({ clock: () => now, tellSum: (counts) => void sums.push(counts) });
  const told = (what: string, count: number) =>
    Array.from({ length: count }, () => lines.mayTell(what)).filter(Boolean).length;
  expect(told('rejected signature_mismatch', 500)).toBe(20);
  expect(told('unknown_endpoint', 7)).toBe(0);
  now = 1_000;
  expect(told('rejected signature_mismatch', 21)).toBe(20);
  lines[Symbol.dispose]();
  lines[Symbol.dispose]();
  expect(sums).toEqual([{ 'rejected signature_mismatch': 481, unknown_endpoint: 7 }]);
});
