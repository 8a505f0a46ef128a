import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPressure, type Pressure } from './pressure.ts';

const stranger = { isProven: false };
const proven = { isProven: true };

function shareOf(pressure: Pressure, client: { readonly isProven: boolean }): number {
  return Array.from({ length: 1_000 }, () => pressure.turnsAway(client)).filter(Boolean).length / 1_000;
}

function after(delays: readonly number[]): Pressure {
  const pressure = createPressure({ delayMsMax: 500 });
  for (const delay of delays) pressure.step(delay);
  return pressure;
}

describe('under a late event loop', () => {
  test('nothing is turned away in calm, nor for one long pause', () => {
    expect(shareOf(after([]), stranger)).toBe(0);
    const once = after([0, 1_500, 0, 0, 0]);
    expect([shareOf(once, stranger), shareOf(once, proven)]).toEqual([0, 0]);
  });

  test('strangers are turned away first, and only then those who have proven themselves', () => {
    const delays = (count: number) => Array.from({ length: count }, () => 10_000);
    expect(shareOf(after(delays(3)), stranger)).toBeCloseTo(0.6, 1);
    expect(shareOf(after(delays(3)), proven)).toBe(0);
    expect([shareOf(after(delays(5)), stranger), shareOf(after(delays(5)), proven)]).toEqual([1, 0]);
    expect(shareOf(after(delays(8)), proven)).toBeCloseTo(0.6, 1);
    expect(shareOf(after(delays(10)), proven)).toBeCloseTo(1, 1);
  });

  test('the pressure stays between the two delays, and is gone two seconds after them', () => {
    const pressure = after([...Array.from({ length: 5 }, () => 1_000), ...Array.from({ length: 100 }, () => 400)]);
    const level = pressure.level();
    expect(level).toBeGreaterThan(0.2);
    for (let second = 0; second < 5; second += 1) pressure.step(400);
    expect(pressure.level()).toBe(level);
    for (let step = 0; step < 24; step += 1) pressure.step(0);
    expect(pressure.level()).toBe(0);
  });

  test('its level stays within 0 and 1, and a stranger is never better off', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { maxLength: 100 }), (delays) => {
        const pressure = after(delays);
        expect(pressure.level()).toBeGreaterThanOrEqual(0);
        expect(pressure.level()).toBeLessThanOrEqual(1);
        expect(shareOf(pressure, stranger)).toBeGreaterThanOrEqual(shareOf(pressure, proven) - 0.002);
      }),
    );
  });
});
