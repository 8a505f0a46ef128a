import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import * as z from 'zod';
import { fillWithDeliveries } from './bench-worker.ts';
import { runBench } from './command-line.ts';
import { startWorker } from './processes.ts';
import { startServices } from './services.ts';
import { stripeEvents } from './stripe-requests.ts';

const usage = `Usage: pnpm bench:bytes [--events N] [--json]

What an event of 1.4 kB takes: bytes of Redis's memory while it waits, bytes of
its log, and bytes of PostgreSQL once it is stored, by table with its indexes.
Every fifth event refunds the charge before it; one handler has run for each.

  --events N   (default 20000)
  --json       for machines
`;

const LOOK_MS = 200;

const settingsSchema = z.object({ events: z.coerce.number().int().min(100).max(1_000_000).default(20_000) });

await runBench({ usage, settings: settingsSchema, main });

async function main({ events }: z.infer<typeof settingsSchema>, { json }: { readonly json: boolean }): Promise<number> {
  await using services = await startServices();
  const { redis } = services;
  const databaseUrl = await services.createDatabase();
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  try {
    const before = await redisBytes();
    await fillWithDeliveries(stripeEvents(events), { backend: 'redis', url: services.redisUrl, name: 'webhooks' });
    const after = await redisBytes();
    const empty = await sizes(pool);
    await processAll(databaseUrl, pool);
    await pool.query('vacuum analyze');
    const full = await sizes(pool);
    const tables = Object.entries(full)
      .map(([table, bytes]) => ({ table, bytes: Math.round((bytes - (empty[table] ?? 0)) / events) }))
      .filter(({ bytes }) => bytes > 0)
      .toSorted((one, other) => other.bytes - one.bytes);
    const report = {
      events,
      bodyBytes: 1_400,
      queued: { memory: Math.round((after.memory - before.memory) / events), log: Math.round(after.log / events) },
      stored: tables.reduce((sum, { bytes }) => sum + bytes, 0),
      tables,
    };
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : render(report));
    return 0;
  } finally {
    await pool.end();
  }

  async function redisBytes(): Promise<{ readonly memory: number; readonly log: number }> {
    const info = `${await redis.info('memory')}\n${await redis.info('persistence')}`;
    const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    return { memory: field('used_memory'), log: field('aof_current_size') };
  }

  async function processAll(url: string, looking: Pool): Promise<void> {
    await using stack = new AsyncDisposableStack();
    await startWorker(stack, { REDIS_URL: services.redisUrl, DATABASE_URL: url });
    for (;;) {
      const { rows } = await looking.query<{ done: number }>(
        "select count(*)::int as done from ledger where state = 'processed'",
      );
      if ((rows[0]?.done ?? 0) >= events) return;
      await sleep(LOOK_MS);
    }
  }
}

/** Bytes of each table with its indexes and what is kept beside it; the parts of a partitioned one together. */
async function sizes(pool: Pool): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ table: string; bytes: string }>(`
    select coalesce(parent.relname, own.relname) as table, sum(pg_total_relation_size(own.oid))::text as bytes
    from pg_class own left join pg_inherits on inhrelid = own.oid left join pg_class parent on parent.oid = inhparent
    where own.relkind = 'r' and own.relnamespace = 'public'::regnamespace group by 1`);
  return Object.fromEntries(rows.map(({ table, bytes }) => [table, Number(bytes)]));
}

function render(report: {
  readonly events: number;
  readonly bodyBytes: number;
  readonly queued: { readonly memory: number; readonly log: number };
  readonly stored: number;
  readonly tables: readonly { readonly table: string; readonly bytes: number }[];
}): string {
  return [
    `of each of ${report.events} events with a body of ${report.bodyBytes} bytes`,
    `  waiting in Redis      ${report.queued.memory} bytes of memory, ${report.queued.log} of its log`,
    `  stored in PostgreSQL  ${report.stored} bytes`,
    ...report.tables.map(({ table, bytes }) => `    ${table.padEnd(20)}${String(bytes).padStart(6)}`),
    '',
  ].join('\n');
}
