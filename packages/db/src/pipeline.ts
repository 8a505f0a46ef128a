import {
  DummyDriver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SingleConnectionProvider,
  Transaction,
  type ConnectionProvider,
  type Dialect,
} from 'kysely';
import { TransientError } from '@penstock/core/failure';
import type { LedgerTransaction } from './database.ts';
import { wayOf } from './ledger-dialect.ts';
import type { Database } from './schema.ts';

/** Gives another handle on the transaction. `beforeEach` is called before each of its statements is sent, and throws where it shall not be. */
export type OpenHandle = (beforeEach: () => void) => LedgerTransaction;

/**
 * Work whose statements are sent without waiting for the answers to those
 * before: they are executed in the order they were asked in, and answered in
 * it. Each handle that the work opens may be used beside the others; the
 * transaction itself waits until the work has ended. Where a statement fails,
 * those sent after it fail with `in_failed_sql_transaction`. A connection that
 * is not opened for it (a pooler's) sends each when the one before is answered.
 *
 * Source: PostgreSQL, libpq, Pipeline Mode.
 */
export function inPipeline<Result>(
  tx: LedgerTransaction,
  work: (open: OpenHandle) => Promise<Result>,
): Promise<Result> {
  const executor = tx.getExecutor();
  return executor.provideConnection(async (connection) => {
    const shared: ConnectionProvider =
      wayOf(tx)?.isPipelined === true
        ? { provideConnection: (consumer) => consumer(connection) }
        : new SingleConnectionProvider(connection);
    let isOver = false;
    const open: OpenHandle = (beforeEach) =>
      new Transaction<Database>({
        config: { dialect },
        dialect,
        driver,
        executor: executor.withConnectionProvider({
          provideConnection: async (consumer) => {
            beforeEach();
            return shared.provideConnection(async (given) => {
              // It waited for another's answer until nobody waited for its own: sent now, it would stay whatever is taken back.
              if (isOver)
                throw new TransientError('handler_late', 'a statement was still waiting when its work had ended');
              return consumer(given);
            });
          },
        }),
      });
    try {
      return await work(open);
    } finally {
      isOver = true;
    }
  });
}

/** What a handle never uses: its executor has the connection. */
const driver = new DummyDriver();
const dialect: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => driver,
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
};
