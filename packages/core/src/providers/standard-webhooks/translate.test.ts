import { expect, test } from 'vitest';
import { body } from './fixtures/deliveries.ts';
import { standardWebhooks } from './provider.ts';

test('an event says nothing about payments, whatever its type', () => {
  expect(standardWebhooks.translate(body)).toEqual([]);
  expect(standardWebhooks.translate(Buffer.from('{"type":"payment.captured","data":{"amount":1}}'))).toEqual([]);
});

test('a retry states the same event only with the same bytes', () => {
  expect(standardWebhooks.statesSameEvent(body, Buffer.from(body))).toBe(true);
  expect(standardWebhooks.statesSameEvent(body, Buffer.from('{}'))).toBe(false);
});
