import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { PermanentError } from '@penstock/core/failure';
import { on } from '@penstock/db/handler';

/** Something of everything: a handler that works, one that never does, a destination that is away, and a canary. */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', account: 'acme', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
    canary: { provider: 'standard-webhooks', secrets: [fromEnvironment('CANARY_SECRET')] },
  },
  handlers: [
    on('payment.captured', 'take-note', async () => undefined),
    on('stripe:customer.updated', 'fail-for-ever', async () => {
      throw new PermanentError('test_poison', 'this event can never be handled');
    }),
  ],
  destinations: {
    away: {
      url: 'http://127.0.0.1:9/',
      secrets: [fromEnvironment('RECEIVER_SECRET')],
      allowPrivate: true,
      events: ['payment.*'],
      retryMs: 200,
      attempts: 6,
      timeoutMs: 1_000,
      concurrency: 2,
    },
  },
});
