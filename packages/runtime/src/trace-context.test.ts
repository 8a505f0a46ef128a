import { expect, test } from 'vitest';
import { newTraceparent, readTraceparent, traceIdOf } from './trace-context.ts';

test.for([
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', true],
  ['01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00', true],
  ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
  ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', false],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', false],
  ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01', false],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more', false],
  [undefined, false],
  [['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'], false],
] as const)('%s is a traceparent: %s', ([header, is]) => {
  expect(readTraceparent(header) !== undefined).toBe(is);
});

test('a new one is a traceparent of its own, and says that nobody records it', () => {
  const made = newTraceparent();
  expect(readTraceparent(made)).toBe(made);
  expect(made.endsWith('-00')).toBe(true);
  expect(traceIdOf(made)).not.toBe(traceIdOf(newTraceparent()));
});

test('of a traceparent the trace id is told, of anything else none', () => {
  expect(traceIdOf('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  expect(traceIdOf('00-4bf92f3577b34da6a3ce929d0e0e4736')).toBeUndefined();
  expect(traceIdOf(undefined)).toBeUndefined();
});
