import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failureClasses, failureClassOf } from './failure-class.ts';

test.each([
  ['malformed_event', 'malformed'],
  ['event_unconfirmed', 'provider'],
  ['provider_refused_us', 'provider'],
  ['provider_unknown', 'configuration'],
  ['worker_crashed', 'crash'],
  ['handler_timeout', 'handler'],
  ['23505', 'database'],
  ['EPIPE', 'other'],
  ['ECONNRESET', 'other'],
  ['unexpected_error', 'other'],
])('a failure %s is a matter of: %s', (code, expected) => {
  expect(failureClassOf(code, { handler: false })).toBe(expected);
});

test('what a handler throws is the handler’s matter, whatever its code says', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom('malformed_event', '23505')), (code) => {
      expect(failureClassOf(code, { handler: true })).toBe('handler');
    }),
  );
});

test('there are as many classes as are listed, whatever the codes are', () => {
  fc.assert(
    fc.property(fc.string(), (code) => {
      expect(failureClasses).toContain(failureClassOf(code, { handler: false }));
    }),
  );
});
