import {
  DummyDriver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  Transaction,
  type Dialect,
} from 'kysely';
import type { LedgerTransaction } from './database.ts';
import type { Database } from './schema.ts';

/** Gives another handle on the transaction. `beforeEach` is called before each of its statements is sent, and throws where it shall not be. */
export type OpenHandle = (beforeEach: () => void) => LedgerTransaction;

/**
 * Work whose statements are sent without waiting for the answers to those
 * before: they are executed in the order they were asked in, and answered in
 * it. Each handle that the work opens may be used beside the others; the
 * transaction itself waits until the work has ended. Where a statement fails,
 * those sent after it fail with `in_failed_sql_transaction`.
 *
 * Source: PostgreSQL, libpq, Pipeline Mode.
 */
export function inPipeline<Result>(
  tx: LedgerTransaction,
  work: (open: OpenHandle) => Promise<Result>,
): Promise<Result> {
  const executor = tx.getExecutor();
  return executor.provideConnection((connection) =>
    work(
      (beforeEach) =>
        new Transaction<Database>({
          config: { dialect },
          dialect,
          driver,
          executor: executor.withConnectionProvider({
            provideConnection: async (consumer) => {
              beforeEach();
              return consumer(connection);
            },
          }),
        }),
    ),
  );
}

/** What a handle never uses: its executor has the connection. */
const driver = new DummyDriver();
const dialect: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => driver,
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
};
