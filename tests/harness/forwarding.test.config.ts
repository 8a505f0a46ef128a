import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';

const receiver = {
  url: fromEnvironment('RECEIVER_URL'),
  secrets: [fromEnvironment('RECEIVER_SECRET')],
  allowPrivate: true,
  // Quick, so that a test sees what takes hours elsewhere.
  retryMs: 50,
  attempts: 6,
  timeoutMs: 1_000,
  concurrency: 8,
} as const;

/** Destinations of each kind, all at one receiver. */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
  },
  handlers: [
    on('stripe:customer.updated', 'tell', async ({ event, outbox }) => {
      await outbox({ topic: 'customers.told', key: event.id, payload: { told: event.id } });
    }),
  ],
  destinations: {
    canonical: { ...receiver, events: ['payment.*', 'stripe:customer.created'] },
    patient: { ...receiver, events: ['stripe:customer.tax_id.created'], attempts: 20 },
    raw: { ...receiver, events: ['stripe:customer.deleted'], shape: 'raw' },
    told: { ...receiver, topics: ['customers.told'] },
    ordered: { ...receiver, events: ['refund.*'], order: 'payment' },
    // Longer than any test waits.
    slow: { ...receiver, events: ['stripe:customer.source.deleted'], timeoutMs: 60_000 },
    private: { ...receiver, events: ['stripe:customer.source.created'], allowPrivate: ['10.0.0.0/8'], attempts: 1 },
  },
});
