import { expect, test } from 'vitest';
import { createSessions, type Sessions } from './sessions.ts';

const lifetimeMs = 1_000;
const ada = { name: 'ada', role: 'operator' } as const;

function isOpen(sessions: Sessions, token: string): boolean {
  return sessions.find(token) !== undefined;
}

function given(options: { readonly countMax?: number; readonly idleMs?: number } = {}) {
  let ms = 0;
  let tokens = 0;
  const sessions = createSessions({
    now: () => new Date(ms),
    newToken: () => `token-${(tokens += 1)}`,
    lifetimeMs,
    idleMs: lifetimeMs,
    ...options,
  });
  return { sessions, pass: (by: number) => void (ms += by) };
}

test('a session that nobody uses ends before its time, and one that is used does not outlast it', () => {
  const { sessions, pass } = given({ idleMs: 400 });
  const [idle, used] = [sessions.open(ada), sessions.open(ada)];
  pass(399);
  expect(isOpen(sessions, used)).toBe(true);
  pass(1);
  expect([isOpen(sessions, idle), isOpen(sessions, used)]).toEqual([false, true]);
  pass(399);
  expect(isOpen(sessions, used)).toBe(true);
  pass(201);
  expect(isOpen(sessions, used)).toBe(false);
});

test('a session is open for whoever has its token, and for nobody else', () => {
  const { sessions } = given();
  const token = sessions.open(ada);
  expect(isOpen(sessions, token)).toBe(true);
  expect(isOpen(sessions, `${token}x`)).toBe(false);
  expect(isOpen(sessions, '')).toBe(false);
});

test('a session is over when it is closed, and only that one', () => {
  const { sessions } = given();
  const [mine, another] = [sessions.open(ada), sessions.open(ada)];
  sessions.close(mine);
  expect([isOpen(sessions, mine), isOpen(sessions, another)]).toEqual([false, true]);
});

test('a session is over when its lifetime is', () => {
  const { sessions, pass } = given();
  const token = sessions.open(ada);
  pass(lifetimeMs - 1);
  expect(isOpen(sessions, token)).toBe(true);
  pass(1);
  expect(isOpen(sessions, token)).toBe(false);
});

test('one session too many takes the place of the oldest', () => {
  const { sessions } = given({ countMax: 2 });
  const tokens = [sessions.open(ada), sessions.open(ada), sessions.open(ada)];
  expect(tokens.map((token) => isOpen(sessions, token))).toEqual([false, true, true]);
});

test('an expired session takes no place', () => {
  const { sessions, pass } = given({ countMax: 2 });
  sessions.open(ada);
  pass(lifetimeMs / 2);
  const second = sessions.open(ada);
  pass(lifetimeMs / 2);
  const third = sessions.open(ada);
  expect([second, third].map((token) => isOpen(sessions, token))).toEqual([true, true]);
});

test('a session knows who opened it, and has a token for changes that is not its own', () => {
  const { sessions } = given();
  const token = sessions.open(ada);
  expect(sessions.find(token)).toMatchObject(ada);
  expect(sessions.find(token)?.csrf).not.toBe(token);
});
