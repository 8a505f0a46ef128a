import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import type { LedgerTransaction } from '@penstock/db/database';
import stock from '../../penstock.config.ts';

/** The stock configuration, and an endpoint whose rate is limited, which takes rights of Redis' user that nothing else does. */
export default defineConfiguration<LedgerTransaction>({
  ...stock,
  endpoints: {
    ...stock.endpoints,
    limited: {
      provider: 'stripe',
      secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')],
      rateLimit: { perSecond: 1, burst: 5 },
    },
  },
});
