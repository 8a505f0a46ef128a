import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import type { LedgerTransaction } from '@penstock/db/database';

const stripe = { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] };

/** One endpoint whose bucket does not fill again while a test runs, and one without. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: { limited: { ...stripe, rateLimit: { perSecond: 1, burst: 60 } }, stripe },
});
