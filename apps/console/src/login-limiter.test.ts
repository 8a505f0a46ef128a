import { expect, test } from 'vitest';
import { createLoginLimiter, type Guesser } from './login-limiter.ts';

const minutes = 60_000;
const from = (address: string): Guesser => ({ kind: 'stranger', address });
const known = (device: string): Guesser => ({ kind: 'known', device });

function given({ attempts = 5, freely = 20 } = {}) {
  let ms = 0;
  const limiter = createLoginLimiter({ now: () => new Date(ms), attempts, freely });
  const fail = (guesser: Guesser, times = 1): void => {
    for (let time = 0; time < times; time += 1) limiter.recordFailure(guesser);
  };
  return { limiter, fail, pass: (by: number) => void (ms += by), at: () => ms };
}

test('an address may try until it has failed as often as allowed', () => {
  const { limiter, fail } = given();
  fail(from('a'), 4);
  expect(limiter.waitMs(from('a'))).toBeNull();
  fail(from('a'));
  expect(limiter.waitMs(from('a'))).toBe(15 * minutes);
});

test("one address's failures are not another's", () => {
  const { limiter, fail } = given();
  fail(from('a'), 5);
  expect(limiter.waitMs(from('b'))).toBeNull();
});

test('the wait ends when the first of the failures is 15 minutes old', () => {
  const { limiter, fail, pass } = given({ attempts: 2 });
  fail(from('a'));
  pass(5 * minutes);
  fail(from('a'));
  expect(limiter.waitMs(from('a'))).toBe(10 * minutes);
  pass(10 * minutes - 1);
  expect(limiter.waitMs(from('a'))).toBe(1);
  pass(1);
  expect(limiter.waitMs(from('a'))).toBeNull();
  fail(from('a'));
  expect(limiter.waitMs(from('a'))).toBe(5 * minutes);
});

test('twenty failures from wherever make every stranger wait, and each further one twice as long', () => {
  const { limiter, fail, pass } = given();
  for (let address = 0; address < 19; address += 1) fail(from(`address-${address}`));
  expect(limiter.waitMs(from('fresh'))).toBeNull();
  const waits: (number | null)[] = [];
  for (let address = 19; address < 31; address += 1) {
    fail(from(`address-${address}`));
    const wait = limiter.waitMs(from('fresh'));
    waits.push(wait);
    if (address < 28) pass(wait ?? 0);
  }
  const seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
  expect(waits).toEqual(seconds.map((count) => count * 1_000));
  pass(15 * minutes);
  expect(limiter.waitMs(from('fresh'))).toBeNull();
});

test('a guesser with as many addresses as he likes has some thirty guesses in the first 15 minutes, and a hundred in the next hours', () => {
  const { limiter, fail, pass, at } = given();
  const guessesWithin = (ms: number): number => {
    let guesses = 0;
    for (const end = at() + ms; at() < end; pass(limiter.waitMs(from(`guess-${guesses}`)) ?? 1)) {
      if (limiter.waitMs(from(`guess-${guesses}`)) !== null) continue;
      fail(from(`guess-${at()}-${guesses}`));
      guesses += 1;
    }
    return guesses;
  };
  expect(guessesWithin(15 * minutes)).toBeLessThan(35);
  expect(guessesWithin(60 * minutes)).toBeLessThan(100);
});

test('a browser that has logged in before is not kept out by strangers, and has a share of its own', () => {
  const { limiter, fail, pass } = given();
  for (let address = 0; address < 30; address += 1) fail(from(`address-${address}`));
  expect(limiter.waitMs(known('laptop'))).toBeNull();
  fail(known('laptop'), 5);
  expect(limiter.waitMs(known('laptop'))).toBe(15 * minutes);
  expect(limiter.waitMs(known('telephone'))).toBeNull();
  pass(15 * minutes);
  expect(limiter.waitMs(known('laptop'))).toBeNull();
});

test('what a known browser does is no wait for strangers', () => {
  const { limiter, fail } = given({ attempts: 100 });
  fail(known('laptop'), 50);
  expect(limiter.waitMs(from('a'))).toBeNull();
});
