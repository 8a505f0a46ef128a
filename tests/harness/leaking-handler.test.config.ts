import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';

/** A handler that says all that it knows, as one does that quotes what it could not connect to. */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
    canary: { provider: 'standard-webhooks', secrets: [fromEnvironment('CANARY_SECRET')] },
  },
  handlers: [
    on('stripe:customer.created', 'quote', async ({ log }) => {
      log.info(`it runs with ${JSON.stringify(process.env)}`, { with: process.env });
      throw new Error(JSON.stringify(process.env), { cause: new Error(Object.values(process.env).join(' ')) });
    }),
  ],
  destinations: {
    own: {
      url: 'http://127.0.0.1:9/',
      secrets: [fromEnvironment('RECEIVER_SECRET')],
      allowPrivate: true,
      events: ['stripe:customer.*'],
    },
  },
});
