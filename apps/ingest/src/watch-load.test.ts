import { expect, test } from 'vitest';
import { judgeMemory } from './watch-load.ts';

test('the queue is full at the limit, stays so until it is well below it, and never without one', () => {
  const judge = (used: number, isFull: boolean, memoryMaxBytes = 1_000) =>
    judgeMemory({ memoryUsedBytes: used, memoryMaxBytes }, { percentMax: 90, isFull });
  expect([judge(899, false), judge(900, false)]).toEqual([false, true]);
  expect([judge(856, true), judge(854, true)]).toEqual([true, false]);
  expect(judge(10_000, true, 0)).toBe(false);
});
