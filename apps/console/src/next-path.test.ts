import { expect, test } from 'vitest';
import { nextPath } from './next-path.ts';

test.each(['/', '/queues', '/payments/pi_1?account=eu', '/queues/queue/webhooks?status=failed'])(
  '%s is followed',
  (wanted) => {
    expect(nextPath(wanted)).toBe(wanted);
  },
);

test.each([
  undefined,
  '',
  'queues',
  'https://example.com/',
  '//example.com',
  '//example.com/queues',
  '///example.com',
  '/\\example.com',
  '\\\\example.com',
  '/\t/example.com',
  '/\n/example.com',
  ' //example.com',
  '/.//example.com',
  '/x/..//example.com',
  '/%2e//example.com',
  'javascript:alert(1)',
  '/\\/\\example.com',
])('%j leads to the front page', (wanted) => {
  expect(nextPath(wanted)).toBe('/');
});

test('what could break out of a header is escaped', () => {
  expect(nextPath('/queues?a=\u0000"<é')).toMatch(/^\/queues\?[\x21-\x7e]+$/);
});
