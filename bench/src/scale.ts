import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import * as z from 'zod';
import { fillWithDeliveries } from './bench-worker.ts';
import { runBench } from './command-line.ts';
import { startWorker } from './processes.ts';
import { startServices, type BenchServices } from './services.ts';
import { ratios, summary } from './statistics.ts';
import { stripeEvents } from './stripe-requests.ts';

const usage = `Usage: pnpm bench:scale [--workers N,…] [--connections N] [--rounds N] [--seconds N] [--json]

How much more several workers do than one, where a handler waits 20 ms for each
event. Each worker has the same few connections to PostgreSQL, so that they are
what one worker can do, and not the machine's processors. Rounds interleave.

  --workers N,…    (default 1,2,4)
  --connections N  of each worker, three at least   (default 4)
  --rounds N       (default 2)
  --seconds N      of one measurement, about        (default 8)
  --json           the report for machines

Exit code 1 where an event was lost or took effect twice.
`;

const settingsSchema = z.object({
  workers: z
    .string()
    .default('1,2,4')
    .transform((text, context) => {
      const numbers = z.array(z.coerce.number().int().min(1).max(32)).min(2).safeParse(text.split(','));
      if (numbers.success) return numbers.data;
      context.addIssue({ code: 'custom', message: 'must be two or more numbers of workers, such as 1,4' });
      return z.NEVER;
    }),
  connections: z.coerce.number().int().min(3).max(50).default(4),
  rounds: z.coerce.number().int().min(1).max(20).default(2),
  seconds: z.coerce.number().positive().max(600).default(8),
});
type Settings = z.infer<typeof settingsSchema>;

/** What a worker's handlers can do at most: its connections but the one for looking after it, each taken for 20 ms. */
const PER_CONNECTION = 1_000 / 20;

const LOOK_MS = 50;

/** The share of the events that is not counted: code is compiled and connections are opened meanwhile. */
const WARM_UP_SHARE = 0.25;

await runBench({ usage, settings: settingsSchema, main });

async function main(
  { workers, connections, rounds, seconds }: Settings,
  { json }: { readonly json: boolean },
): Promise<number> {
  await using services = await startServices();
  const rates = new Map<number, number[]>(workers.map((count) => [count, []]));
  let wrong = 0;
  for (let round = 0; round < rounds; round += 1)
    for (const count of workers) {
      const measured = await measure(services, {
        count,
        connections,
        events: Math.ceil(count * connections * PER_CONNECTION * seconds),
      });
      rates.get(count)?.push(measured.perSecond);
      wrong += measured.wrong;
      process.stderr.write(
        `round ${round + 1} of ${rounds}: ${count} workers, ${measured.perSecond.toFixed(0)} a second\n`,
      );
    }
  const [least = 1] = workers.toSorted((one, other) => one - other);
  const scaled = workers.map((count) => ({
    workers: count,
    perSecond: summary(rates.get(count) ?? []),
    ratio: ratios(rates.get(count) ?? [], rates.get(least) ?? []),
  }));
  if (json) process.stdout.write(`${JSON.stringify({ connections, scaled, wrong }, null, 2)}\n`);
  else {
    for (const { workers: count, perSecond, ratio } of scaled)
      process.stdout.write(
        `${count} workers: ${perSecond.median.toFixed(0)} events a second, ${ratio.median.toFixed(2)} × of ${least}\n`,
      );
    process.stdout.write(`lost or twice: ${wrong}\n`);
  }
  return wrong > 0 ? 1 : 0;
}

async function measure(
  services: BenchServices,
  given: { readonly count: number; readonly connections: number; readonly events: number },
): Promise<{ readonly perSecond: number; readonly wrong: number }> {
  await services.redis.flushall();
  const databaseUrl = await services.createDatabase();
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(new Pool({ connectionString: databaseUrl, max: 1 }), (opened) => opened.end());
  await fillWithDeliveries(stripeEvents(given.events), { backend: 'redis', url: services.redisUrl, name: 'webhooks' });
  const env = {
    REDIS_URL: services.redisUrl,
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_MAX: String(given.connections),
    PENSTOCK_CONFIG: 'bench/src/slow.config.ts',
  };
  await Promise.all(Array.from({ length: given.count }, () => startWorker(stack, env)));
  const count = async (what: string): Promise<number> => {
    const { rows } = await pool.query<{ count: number }>(`select count(${what})::int as count from bench_effects`);
    return rows[0]?.count ?? 0;
  };
  let from: { readonly at: number; readonly done: number } | null = null;
  for (;;) {
    const done = await count('*');
    const now = { at: performance.now(), done };
    if (from === null && done >= given.events * WARM_UP_SHARE) from = now;
    if (from !== null && done >= given.events) {
      const perSecond = ((done - from.done) / (now.at - from.at)) * 1_000;
      return { perSecond, wrong: Math.abs(done - (await count('distinct event_id'))) };
    }
    await sleep(LOOK_MS);
  }
}
