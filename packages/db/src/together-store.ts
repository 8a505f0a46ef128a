import { applyTogether } from './apply-together.ts';
import type { LedgerDatabase } from './database.ts';
import { enterTogether, reopenTogether } from './enter-together.ts';
import { recordRunsTogether } from './handler-runs.ts';
import {
  eventTransaction,
  type Bound,
  type EventTransaction,
  type SavepointOutcome,
  type SavepointScope,
} from './ledger-store.ts';
import { addToOutbox } from './outbox.ts';
import { inPipeline } from './pipeline.ts';

/** One transaction for many events. */
export interface TogetherTransaction extends EventTransaction {
  readonly enterTogether: Bound<typeof enterTogether>;
  readonly applyTogether: Bound<typeof applyTogether>;
  readonly recordRunsTogether: Bound<typeof recordRunsTogether>;
  readonly reopenTogether: Bound<typeof reopenTogether>;
  /**
   * As `underSavepoint`, for much work side by side: each scope that it opens sends its statements without waiting for
   * those of others, which are executed in the order they were asked in. `beforeEach` is called before each of its own.
   */
  readonly underOneSavepoint: (
    limits: { readonly timeoutMs: number; readonly refuse: () => void },
    work: (open: (beforeEach: () => void) => SavepointScope) => Promise<void>,
  ) => Promise<SavepointOutcome>;
}

/** What the ledger does for many events by as many statements as for one. */
export interface TogetherStore {
  /** Commits what the work told where it resolves, and nothing of it where it rejects, which is then passed on. */
  readonly transactionTogether: <T>(work: (tx: TogetherTransaction) => Promise<T>) => Promise<T>;
}

export function openTogetherStore(db: LedgerDatabase): TogetherStore {
  return {
    transactionTogether: (work) =>
      db.transaction().execute((tx) => {
        const alone = eventTransaction(tx);
        return work({
          ...alone,
          underOneSavepoint: (limits, together) =>
            alone.underSavepoint(limits, (scope) =>
              inPipeline(scope.tx, (open) =>
                together((beforeEach) => {
                  const handle = open(beforeEach);
                  return { tx: handle, addToOutbox: (...given) => addToOutbox(handle, ...given) };
                }),
              ),
            ),
          enterTogether: (...given) => enterTogether(tx, ...given),
          applyTogether: (...given) => applyTogether(tx, ...given),
          recordRunsTogether: (...given) => recordRunsTogether(tx, ...given),
          reopenTogether: (...given) => reopenTogether(tx, ...given),
        });
      }),
  };
}
