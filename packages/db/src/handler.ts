import { handlersFor, type On } from '@penstock/core/handler';
import type { LedgerTransaction } from './database.ts';

/**
 * Declares a handler that runs in the ledger's transaction, a Kysely
 * `Transaction`: `on('payment.captured', async ({ payment, tx, outbox }) => …)`.
 */
export const on: On<LedgerTransaction> = handlersFor<LedgerTransaction>();
