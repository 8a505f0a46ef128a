import { expect, test } from 'vitest';
import { genericHmac } from './provider.ts';

test('an event says nothing about payments, whatever its type', () => {
  expect(genericHmac.translate(Buffer.from('{"type":"payment.captured","amount":1}'))).toEqual([]);
});

test('a retry states the same event only with the same bytes', () => {
  expect(genericHmac.statesSameEvent(Buffer.from('{}'), Buffer.from('{}'))).toBe(true);
  expect(genericHmac.statesSameEvent(Buffer.from('{}'), Buffer.from('{ }'))).toBe(false);
});
