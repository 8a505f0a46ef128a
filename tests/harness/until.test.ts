import { expect, test } from 'vitest';
import { until } from './until.ts';

test('what the check returns is returned, as soon as it is neither undefined nor false', async () => {
  const answers = [undefined, false, 0];
  expect(await until(() => Promise.resolve(answers.shift()), { what: 'a number', everyMs: 1 })).toBe(0);
  expect(answers).toEqual([]);
});

test('a check that throws is tried again', async () => {
  let calls = 0;
  const check = (): string => {
    calls += 1;
    if (calls < 3) throw new Error('not yet');
    return 'now';
  };
  expect(await until(check, { what: 'calm', everyMs: 1 })).toBe('now');
});

test('when time is up the error names what was waited for and the last answer', async () => {
  const waiting = until(() => false, { what: 'the impossible', deadlineMs: 20, everyMs: 5 });
  await expect(waiting).rejects.toThrow('Waited 20 ms for the impossible. The last check returned false.');
});

test('when time is up the error carries the last failure', async () => {
  const failure = new Error('connection refused');
  const waiting = until(() => Promise.reject(failure), { what: 'the server', deadlineMs: 20, everyMs: 5 });
  await expect(waiting).rejects.toMatchObject({
    message: 'Waited 20 ms for the server. The last check threw: connection refused',
    cause: failure,
  });
});
