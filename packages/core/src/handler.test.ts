import { expect, test } from 'vitest';
import { covers, on, type HandlerPattern } from './handler.ts';

const captured = {
  provider: 'stripe',
  type: 'charge.captured',
  canonicalTypes: ['payment.captured', 'refund.succeeded'],
} as const;
const unknown = { provider: 'paypal', type: 'SOME.FUTURE.TYPE', canonicalTypes: [] } as const;

test.each<{ pattern: HandlerPattern; event: Parameters<typeof covers>[1]; covered: boolean }>([
  { pattern: '*', event: captured, covered: true },
  { pattern: '*', event: unknown, covered: true },
  { pattern: 'stripe:charge.captured', event: captured, covered: true },
  { pattern: 'paypal:charge.captured', event: captured, covered: false },
  { pattern: 'stripe:charge', event: captured, covered: false },
  { pattern: 'stripe:*', event: captured, covered: false },
  { pattern: 'stripe:charge.Captured', event: captured, covered: false },
  { pattern: 'payment.captured', event: captured, covered: true },
  { pattern: 'refund.succeeded', event: captured, covered: true },
  { pattern: 'payment.failed', event: captured, covered: false },
  { pattern: 'payment.captured', event: unknown, covered: false },
  { pattern: 'paypal:SOME.FUTURE.TYPE', event: unknown, covered: true },
])('the pattern $pattern covers $event.provider:$event.type: $covered', ({ pattern, event, covered }) => {
  expect(covers(pattern, event)).toBe(covered);
});

test('a handler is declared by pattern, name and what it runs', async () => {
  const run = async (): Promise<void> => undefined;
  expect(on('payment.captured', 'grant-credits', run)).toEqual({
    name: 'grant-credits',
    pattern: 'payment.captured',
    run,
  });
});
