import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { DatabaseError, type Pool, type PoolClient } from 'pg';
import type { Socket } from 'node:net';
import { socketOf } from './socket-of.ts';

/** Statements that a connection keeps parsed; each takes some tens of kilobytes at the server. */
const NAMED_MAX = 200;

/** Texts remembered as seen once. A handler may make up any number of them. */
const SEEN_MAX = 1_000;

/**
 * A pool whose connections have the server parse a statement once: one that is seen for the second time gets a name.
 * Not for a pooler in transaction mode, where the next transaction may meet another session.
 *
 * A single-row insert costs the server 18 µs with a name and 32 without one, the round trip itself 18 of either.
 *
 * What selects `*` stays unnamed: its columns can change while a connection lives, and under a name PostgreSQL
 * refuses that ("cached plan must not change result type"). So does what takes a set for a parameter: a named
 * statement is soon planned for any value, and how such a set is best joined depends on how large it is, and the
 * tables are.
 */
export function namingStatements(pool: Pool): PostgresPool {
  const names = nameStatements();
  const known = new WeakMap<PoolClient, NamingClient>();
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect();
      const naming = known.get(client) ?? new NamingClient(client, names);
      known.set(client, naming);
      return naming;
    },
    end: () => pool.end(),
  };
}

/** Whether the server has a statement under its name no more, or holds it for another than it is. Said again, it succeeds. */
export function isStaleStatement(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return error.code === '26000' || (error.code === '0A000' && error.message.startsWith('cached plan'));
}

interface StatementNames {
  /** The name of a statement; undefined where it is to be said in full. */
  readonly of: (text: string) => string | undefined;
  /** Gives every statement another name from now on. */
  readonly renew: () => void;
}

function nameStatements(): StatementNames {
  let generation = 0;
  let names = new Map<string, string>();
  const seen = new Set<string>();
  return {
    of: (text) => {
      const name = names.get(text);
      if (name !== undefined || names.size >= NAMED_MAX) return name;
      if (!seen.delete(text)) {
        if (seen.size >= SEEN_MAX) seen.clear();
        seen.add(text);
        return undefined;
      }
      if (/(^|[^(])\*|\[\]|recordset/.test(text)) return undefined;
      const given = `penstock_${generation}_${names.size}`;
      names.set(text, given);
      return given;
    },
    renew: () => {
      generation += 1;
      names = new Map();
    },
  };
}

class NamingClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  readonly #names: StatementNames;
  readonly #socket: Socket | null;
  #isCorked = false;

  constructor(client: PoolClient, names: StatementNames) {
    this.#client = client;
    this.#names = names;
    this.#socket = socketOf(client);
  }

  query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query(what: string | PostgresCursor<unknown>, parameters: readonly unknown[] = []): unknown {
    if (typeof what !== 'string') throw new Error('the ledger is not read by cursors of the driver');
    this.#writeOnce();
    return this.#ask(what, [...parameters]);
  }

  /** What is asked within one turn of the event loop is one write: a system call costs as much as a short statement. */
  #writeOnce(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket?.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#socket?.uncork();
    });
  }

  async #ask(text: string, values: unknown[]): Promise<unknown> {
    // Without parameters it may be several statements, which have no name.
    const name = values.length === 0 ? undefined : this.#names.of(text);
    if (name === undefined) return this.#client.query(text, values);
    try {
      return await this.#client.query({ name, text, values });
    } catch (error) {
      if (isStaleStatement(error)) this.#names.renew();
      throw error;
    }
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy);
  }
}
