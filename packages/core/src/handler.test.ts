import { expect, expectTypeOf, test } from 'vitest';
import { covers, handlersFor, type HandledPayment, type HandlerPattern } from './handler.ts';

const on = handlersFor<null>();

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
  { pattern: 'stripe:*', event: captured, covered: true },
  { pattern: 'stripe:charge.*', event: captured, covered: true },
  { pattern: 'stripe:char.*', event: captured, covered: false },
  { pattern: 'paypal:*', event: captured, covered: false },
  { pattern: 'payment.*', event: captured, covered: true },
  { pattern: 'dispute.*', event: captured, covered: false },
  { pattern: 'stripe:charge.Captured', event: captured, covered: false },
  { pattern: 'payment.captured', event: captured, covered: true },
  { pattern: 'refund.succeeded', event: captured, covered: true },
  { pattern: 'payment.failed', event: captured, covered: false },
  { pattern: 'payment.captured', event: unknown, covered: false },
  { pattern: 'paypal:SOME.FUTURE.TYPE', event: unknown, covered: true },
])('the pattern $pattern covers $event.provider:$event.type: $covered', ({ pattern, event, covered }) => {
  expect(covers(pattern, event)).toBe(covered);
});

const run = async (): Promise<void> => undefined;

test('a handler is declared by pattern, name and what it runs', () => {
  expect(on('payment.captured', 'grant-credits', run)).toEqual({
    name: 'grant-credits',
    version: 1,
    pattern: 'payment.captured',
    timeoutMs: null,
    run,
  });
  expect(on('*', { name: 'audit', version: 3, timeoutMs: 500 }, run)).toMatchObject({
    name: 'audit',
    version: 3,
    timeoutMs: 500,
  });
});

test('one that is given no name goes by its pattern', () => {
  expect(on('stripe:invoice.paid', run).name).toBe('stripe-invoice-paid');
  expect(on('refund.*', run).name).toBe('refund');
  expect(on('*', run).name).toBe('every-event');
});

test('what a handler is given is typed by its pattern', () => {
  on('stripe:invoice.paid', async ({ event, payment }) => {
    expectTypeOf(event.payload.data.object.object).toEqualTypeOf<'invoice'>();
    expectTypeOf(payment).toEqualTypeOf<HandledPayment | null>();
  });
  on('refund.succeeded', async ({ event, payment }) => {
    expectTypeOf(event.payload).toEqualTypeOf<unknown>();
    expectTypeOf(payment).toEqualTypeOf<HandledPayment>();
  });
  on('dispute.*', async ({ payment }) => {
    expectTypeOf(payment).toEqualTypeOf<HandledPayment>();
  });
  on('payout.paid', async ({ payment }) => {
    expectTypeOf(payment).toEqualTypeOf<HandledPayment | null>();
  });
  on('stripe:no.such.type', async ({ event }) => {
    expectTypeOf(event.payload).toEqualTypeOf<unknown>();
  });
});
