import { applyTogether } from './apply-together.ts';
import type { LedgerDatabase } from './database.ts';
import { enterTogether, reopenTogether } from './enter-together.ts';
import { recordRunsTogether } from './handler-runs.ts';
import { eventTransaction, type Bound, type EventTransaction } from './ledger-store.ts';

/** One transaction for many events. */
export interface TogetherTransaction extends EventTransaction {
  readonly enterTogether: Bound<typeof enterTogether>;
  readonly applyTogether: Bound<typeof applyTogether>;
  readonly recordRunsTogether: Bound<typeof recordRunsTogether>;
  readonly reopenTogether: Bound<typeof reopenTogether>;
}

/** What the ledger does for many events by as many statements as for one. */
export interface TogetherStore {
  /** Commits what the work told where it resolves, and nothing of it where it rejects, which is then passed on. */
  readonly transactionTogether: <T>(work: (tx: TogetherTransaction) => Promise<T>) => Promise<T>;
}

export function openTogetherStore(db: LedgerDatabase): TogetherStore {
  return {
    transactionTogether: (work) =>
      db.transaction().execute((tx) =>
        work({
          ...eventTransaction(tx),
          enterTogether: (...given) => enterTogether(tx, ...given),
          applyTogether: (...given) => applyTogether(tx, ...given),
          recordRunsTogether: (...given) => recordRunsTogether(tx, ...given),
          reopenTogether: (...given) => reopenTogether(tx, ...given),
        }),
      ),
  };
}
