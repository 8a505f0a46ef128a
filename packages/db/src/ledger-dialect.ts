import { PostgresAdapter, PostgresDialect, type PostgresDialectConfig } from 'kysely';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import type { Connection } from './database.ts';

/** How a ledger was opened, beyond what its pool knows. */
export interface Way {
  /** What bodies are sealed and opened with; null where they are stored as they are. */
  readonly payloadKeys: PayloadKeys | null;
  /** Whether its connections send a statement while others have not been answered. */
  readonly isPipelined: boolean;
}

/** PostgreSQL, and what goes with every connection to it. */
export class LedgerDialect extends PostgresDialect {
  readonly #way: Way;
  constructor(config: PostgresDialectConfig & Way) {
    super(config);
    this.#way = config;
  }
  override createAdapter(): LedgerAdapter {
    return new LedgerAdapter(this.#way);
  }
}

/** Of a ledger and its transactions; undefined where it is none of openDatabase's. */
export function wayOf(db: Connection): Way | undefined {
  const { adapter } = db.getExecutor();
  return adapter instanceof LedgerAdapter ? adapter.way : undefined;
}

class LedgerAdapter extends PostgresAdapter {
  readonly way: Way;
  constructor(way: Way) {
    super();
    this.way = way;
  }
}
