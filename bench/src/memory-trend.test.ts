import { expect, test } from 'vitest';
import { isFlat, memoryOf } from './memory-trend.ts';

const hour = (mibAt: (minute: number) => number) =>
  Array.from({ length: 720 }, (_, number) => ({ atMinutes: number / 12, mib: mibAt(number / 12) }));

test('saw-teeth around one height are flat, and their slope is none', () => {
  const trend = memoryOf(hour((minute) => 120 + 30 * ((minute * 3) % 1)));
  expect(trend.most).toBeGreaterThan(140);
  expect(Math.abs(trend.mibPerHour)).toBeLessThan(1);
  expect(isFlat(trend)).toBe(true);
});

test('a leak of half the memory an hour is not flat, however it saws, and its slope is told', () => {
  const trend = memoryOf(hour((minute) => 100 + (50 * minute) / 60 + 10 * ((minute * 7) % 1)));
  expect(trend.mibPerHour).toBeCloseTo(50, 0);
  expect(isFlat(trend)).toBe(false);
});

test('what grows in the warm-up alone is flat', () => {
  const trend = memoryOf(hour((minute) => Math.min(100, 40 + minute * 12)));
  expect(trend).toMatchObject({ start: 100, median: 100, most: 100, mibPerHour: 0 });
  expect(isFlat(trend)).toBe(true);
});
