import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { PermanentError } from '@penstock/core/failure';
import { on } from '@penstock/db/handler';

/** Handlers as careless with a payload as handlers can be: each line and each error quotes all of it. */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
  },
  reportError: (report) => process.stderr.write(`reported: ${JSON.stringify(report)}\n`),
  handlers: [
    on('*', 'quote', async ({ event, log }) => {
      const text = JSON.stringify(event.payload);
      log.info(`handling ${text}`, { event: event.payload, text });
      log.warn('with an error', { reason: new Error(text), list: [text, { deep: event.payload }] });
      await Promise.resolve();
      if (event.id.length % 2 === 0) throw new PermanentError('quoted', `cannot handle ${text}`);
      throw Object.assign(new Error(text, { cause: new Error(text) }), { detail: text, code: text.slice(0, 300) });
    }),
  ],
});
