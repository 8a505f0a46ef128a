import { expect, test } from 'vitest';
import { createSessions } from './sessions.ts';

const lifetimeMs = 1_000;

function given(options: { readonly countMax?: number } = {}) {
  let ms = 0;
  let tokens = 0;
  const sessions = createSessions({
    now: () => new Date(ms),
    newToken: () => `token-${(tokens += 1)}`,
    lifetimeMs,
    ...options,
  });
  return { sessions, pass: (by: number) => void (ms += by) };
}

test('a session is open for whoever has its token, and for nobody else', () => {
  const { sessions } = given();
  const token = sessions.open();
  expect(sessions.isOpen(token)).toBe(true);
  expect(sessions.isOpen(`${token}x`)).toBe(false);
  expect(sessions.isOpen('')).toBe(false);
});

test('a session is over when it is closed, and only that one', () => {
  const { sessions } = given();
  const [mine, another] = [sessions.open(), sessions.open()];
  sessions.close(mine);
  expect([sessions.isOpen(mine), sessions.isOpen(another)]).toEqual([false, true]);
});

test('a session is over when its lifetime is', () => {
  const { sessions, pass } = given();
  const token = sessions.open();
  pass(lifetimeMs - 1);
  expect(sessions.isOpen(token)).toBe(true);
  pass(1);
  expect(sessions.isOpen(token)).toBe(false);
});

test('one session too many takes the place of the oldest', () => {
  const { sessions } = given({ countMax: 2 });
  const tokens = [sessions.open(), sessions.open(), sessions.open()];
  expect(tokens.map(sessions.isOpen)).toEqual([false, true, true]);
});

test('an expired session takes no place', () => {
  const { sessions, pass } = given({ countMax: 2 });
  sessions.open();
  pass(lifetimeMs / 2);
  const second = sessions.open();
  pass(lifetimeMs / 2);
  const third = sessions.open();
  expect([second, third].map(sessions.isOpen)).toEqual([true, true]);
});
