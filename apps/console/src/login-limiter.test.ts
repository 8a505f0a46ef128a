import { expect, test } from 'vitest';
import { createLoginLimiter } from './login-limiter.ts';

const minutes = 60_000;

function given(attemptsPerAddress = 5) {
  let ms = 0;
  const limiter = createLoginLimiter({ now: () => new Date(ms), attemptsPerAddress });
  const fail = (address: string, times = 1): void => {
    for (let time = 0; time < times; time += 1) limiter.recordFailure(address);
  };
  return { limiter, fail, pass: (by: number) => void (ms += by) };
}

test('an address may try until it has failed as often as allowed', () => {
  const { limiter, fail } = given();
  fail('a', 4);
  expect(limiter.waitMs('a')).toBeNull();
  fail('a');
  expect(limiter.waitMs('a')).toBe(15 * minutes);
});

test("one address's failures are not another's", () => {
  const { limiter, fail } = given();
  fail('a', 5);
  expect(limiter.waitMs('b')).toBeNull();
});

test('the wait ends when the first of the failures is 15 minutes old', () => {
  const { limiter, fail, pass } = given(2);
  fail('a');
  pass(5 * minutes);
  fail('a');
  expect(limiter.waitMs('a')).toBe(10 * minutes);
  pass(10 * minutes - 1);
  expect(limiter.waitMs('a')).toBe(1);
  pass(1);
  expect(limiter.waitMs('a')).toBeNull();
  fail('a');
  expect(limiter.waitMs('a')).toBe(5 * minutes);
});

test('a hundred failures from wherever close the login to every address', () => {
  const { limiter, fail, pass } = given();
  for (let address = 0; address < 99; address += 1) fail(`address-${address}`);
  expect(limiter.waitMs('fresh')).toBeNull();
  fail('address-99');
  expect(limiter.waitMs('fresh')).toBe(15 * minutes);
  pass(15 * minutes);
  expect(limiter.waitMs('fresh')).toBeNull();
});
