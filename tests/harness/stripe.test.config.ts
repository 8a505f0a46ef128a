import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import type { LedgerTransaction } from '@penstock/db/database';

/** An installation that production accepts: one provider, no demonstration mode. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: { stripe: { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] } },
});
