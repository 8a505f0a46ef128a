import { expect, test } from 'vitest';
import { RATIO_MAX, slowedAtWorst, type Pace } from './pace.ts';

const rounds = (variant: string, p99s: Readonly<Record<number, readonly number[]>>): readonly Pace[] =>
  Object.entries(p99s).flatMap(([storm, values]) => values.map((p99) => ({ variant, storm: Number(storm), p99 })));

test('a variant passes at exactly the bound and fails beyond it, by its median round', () => {
  expect(slowedAtWorst(rounds('one', { 0: [2, 2, 2], 10_000: [6, 6, 90] }))).toEqual([]);
  expect(slowedAtWorst(rounds('one', { 0: [2, 2, 2], 10_000: [6, 6.2, 6.4] }))).toEqual([
    { variant: 'one', storm: 10_000, ratio: 3.1 },
  ]);
  expect(RATIO_MAX).toBe(3);
});

test('a round is compared with its own calm: one that was slow throughout fails nobody', () => {
  expect(slowedAtWorst(rounds('one', { 0: [2, 20, 2], 10_000: [4, 40, 4] }))).toEqual([]);
});

test('only the largest storm decides', () => {
  expect(slowedAtWorst(rounds('one', { 0: [2], 5_000: [20], 10_000: [4] }))).toEqual([]);
});

test('each variant is held to it by itself', () => {
  const paces = [...rounds('one', { 0: [2], 10_000: [40] }), ...rounds('two', { 0: [20], 10_000: [40] })];
  expect(slowedAtWorst(paces).map(({ variant }) => variant)).toEqual(['one']);
});

test('what was not measured has not passed', () => {
  expect(slowedAtWorst(rounds('one', { 10_000: [4] }))).toHaveLength(1);
  expect(slowedAtWorst(rounds('one', { 0: [2], 10_000: [Number.NaN] }))).toHaveLength(1);
});
