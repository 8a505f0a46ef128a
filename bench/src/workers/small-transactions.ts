import { Pool, type PoolClient } from 'pg';

/** Rows that the transactions change at random. */
const ACCOUNTS = 100_000;

/**
 * pgbench's "simple update" (-N) through pg: change an account, read it, write
 * the history, commit; on so many connections. Returns transactions a second.
 */
export async function smallTransactions(options: {
  readonly databaseUrl: string;
  readonly connections: number;
  readonly milliseconds: number;
}): Promise<number> {
  const pool = new Pool({ connectionString: options.databaseUrl, max: options.connections });
  try {
    await pool.query(`
      create table if not exists bench_accounts (id integer primary key, balance integer not null);
      create table if not exists bench_history (id integer, delta integer, at timestamptz default now());
      insert into bench_accounts select n, 0 from generate_series(1, ${ACCOUNTS}) n on conflict do nothing`);
    const started = performance.now();
    const counts = await Promise.all(
      Array.from({ length: options.connections }, async () => {
        const client = await pool.connect();
        try {
          let count = 0;
          for (; performance.now() - started < options.milliseconds; count += 1) await simpleUpdate(client);
          return count;
        } finally {
          client.release();
        }
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - started) / 1_000);
  } finally {
    await pool.end();
  }
}

async function simpleUpdate(client: PoolClient): Promise<void> {
  const id = 1 + Math.floor(Math.random() * ACCOUNTS);
  const delta = Math.floor(Math.random() * 10_000) - 5_000;
  await client.query('begin');
  await client.query({
    name: 'update',
    text: 'update bench_accounts set balance = balance + $1 where id = $2',
    values: [delta, id],
  });
  await client.query({ name: 'select', text: 'select balance from bench_accounts where id = $1', values: [id] });
  await client.query({
    name: 'insert',
    text: 'insert into bench_history (id, delta) values ($1, $2)',
    values: [id, delta],
  });
  await client.query('commit');
}
