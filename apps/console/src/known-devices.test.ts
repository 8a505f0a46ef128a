import { expect, test } from 'vitest';
import { createKnownDevices } from './known-devices.ts';

function given(countMax?: number) {
  let ms = 0;
  let tokens = 0;
  const devices = createKnownDevices({
    now: () => new Date(ms),
    newToken: () => `token-${(tokens += 1)}`,
    ...(countMax === undefined ? {} : { countMax }),
  });
  return { devices, pass: (by: number) => void (ms += by) };
}

test('a browser is known by its token, for ninety days, and the name that it has here is not the token', () => {
  const { devices, pass } = given();
  const token = devices.remember();
  expect(devices.find(token)).toMatch(/^[\w+/=]{44}$/);
  expect(devices.find(token)).not.toContain(token);
  pass(90 * 86_400_000 - 1);
  expect(devices.find(token)).not.toBeNull();
  pass(1);
  expect(devices.find(token)).toBeNull();
});

test('nobody else is known', () => {
  const { devices } = given();
  devices.remember();
  expect([devices.find(undefined), devices.find(''), devices.find('token-2')]).toEqual([null, null, null]);
});

test('of too many the first is forgotten', () => {
  const { devices } = given(2);
  const [first, second, third] = [devices.remember(), devices.remember(), devices.remember()];
  expect([first, second, third].map((token) => devices.find(token) !== null)).toEqual([false, true, true]);
});
