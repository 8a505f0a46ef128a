import type { ErrorReport } from '@penstock/core/error-report';
import { afterEach, expect, test } from 'vitest';
import { reportErrorLine, reportErrorsTo } from './error-reports.ts';

afterEach(() => reportErrorsTo(undefined));

test('a report has the words, the error and the ids of the line, masked', () => {
  const reports: ErrorReport[] = [];
  reportErrorsTo((report) => reports.push(report));
  const error = Object.assign(new TypeError('no customer jane@example.com'), { code: 'missing', detail: 'Jane' });
  reportErrorLine({ requestId: 'r1', card: '4242 4242 4242 4242', error }, 'webhook is dead', 0);
  expect(reports).toEqual([
    {
      message: 'webhook is dead',
      error: {
        type: 'TypeError',
        message: expect.stringMatching(/^no customer email:[0-9a-f]{12}$/),
        stack: expect.stringContaining('error-reports.test'),
        code: 'missing',
      },
      context: { requestId: 'r1', card: 'card:…4242' },
    },
  ]);
  expect(JSON.stringify(reports)).not.toContain('jane');
});

test('a reporter that throws or rejects harms nobody, and is told no more than sixty a minute', () => {
  let calls = 0;
  reportErrorsTo(() => {
    calls += 1;
    if (calls % 2 === 0) throw new Error('the reporter is broken');
    return Promise.reject(new Error('so is its service'));
  });
  for (let number = 0; number < 100; number += 1) reportErrorLine({ error: 'not an error' }, 'a fault', 1_000);
  expect(calls).toBe(60);
  reportErrorLine(undefined, 'a fault', 61_000);
  expect(calls).toBe(61);
});
