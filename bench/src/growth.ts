import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import * as z from 'zod';
import { fillWithDeliveries, jobsLeft, rateOf } from './bench-worker.ts';
import { runBench } from './command-line.ts';
import { copyEvents } from './copy-events.ts';
import { startWorker } from './processes.ts';
import type { Cost } from './report.ts';
import { startServices, type BenchServices } from './services.ts';
import { ratios, summary } from './statistics.ts';
import { stripeEvent, type BenchEvent } from './stripe-requests.ts';

const usage = `Usage: pnpm bench:growth [--stored N] [--few N] [--events N] [--rounds N] [--json]

What a large ledger costs: how fast a worker works off a full queue into a
database that has so many events already, against one that has few. A worker
stores the few; the many are copies of these in SQL, all of them in the tables
of one month, with ids as random as a provider's. Rounds interleave.

  --stored N   events stored in the large one     (default 1000000)
  --few N      in the small one, at least 1000    (default 10000)
  --events N   worked off in one measurement      (default 20000)
  --rounds N                                      (default 3)
  --json       the report for machines

A million stored events take some 3 GB of the folder for temporary files, and
some minutes to be copied. Exit code 1 where an event was lost or took effect
twice.
`;

const settingsSchema = z.object({
  stored: z.coerce.number().int().min(1_000).max(100_000_000).default(1_000_000),
  few: z.coerce.number().int().min(1_000).max(1_000_000).default(10_000),
  events: z.coerce.number().int().min(100).max(1_000_000).default(20_000),
  rounds: z.coerce.number().int().min(1).max(20).default(3),
});
type Settings = z.infer<typeof settingsSchema>;

/** What one measurement came to. */
interface Measured {
  readonly perSecond: number;
  readonly cost: Cost | null;
  readonly wrong: number;
}

const LOOK_MS = 20;

await runBench({ usage, settings: settingsSchema, main });

async function main(settings: Settings, { json }: { readonly json: boolean }): Promise<number> {
  const { stored, few, events, rounds } = settings;
  await using services = await startServices();
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const first = await services.createDatabase();
  tell(`storing ${few} events`);
  let wrong = (await workOff(services, first, few)).wrong;
  const many = await copyDatabase(first, 'bench_many');
  const began = performance.now();
  await copyEvents(many, {
    events: stored,
    onProgress: (count) => tell(`${count} of ${stored} events stored, ${minutesSince(began)} minutes`),
  });

  const small: Measured[] = [];
  const large: Measured[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    // Each round anew, for it would not be a small one for long.
    const fresh = await copyDatabase(first, `bench_few_${round}`);
    const both = [
      { what: 'few', into: small, url: fresh },
      { what: 'many', into: large, url: many },
    ];
    for (const { what, into, url } of round % 2 === 1 ? both : both.toReversed()) {
      const measured = await workOff(services, url, events);
      into.push(measured);
      wrong += measured.wrong;
      tell(`round ${round} of ${rounds}: ${measured.perSecond.toFixed(0)} a second beside ${what}`);
    }
  }
  const report = {
    settings,
    few: summary(small.map(({ perSecond }) => perSecond)),
    stored: { ...summary(large.map(({ perSecond }) => perSecond)), bytes: await bytesOf(many) },
    ratio: ratios(
      large.map(({ perSecond }) => perSecond),
      small.map(({ perSecond }) => perSecond),
    ),
    postgresMicros: { few: postgresMicros(small), stored: postgresMicros(large) },
    wrong,
  };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : render(report));
  return wrong > 0 ? 1 : 0;
}

/** Fills the queue, has one worker work it off into the database, and counts effects. */
async function workOff(services: BenchServices, databaseUrl: string, count: number): Promise<Measured> {
  await services.redis.flushall();
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(new Pool({ connectionString: databaseUrl, max: 1 }), (opened) => opened.end());
  await pool.query('truncate bench_effects');
  await fillWithDeliveries(eventsWithRandomIds(count), { backend: 'redis', url: services.redisUrl, name: 'webhooks' });
  const worker = await startWorker(stack, { REDIS_URL: services.redisUrl, DATABASE_URL: databaseUrl });
  const { perSecond, cost } = await rateOf(count, {
    left: () => jobsLeft(services),
    everyMs: LOOK_MS,
    processes: { ...services.processes, worker: worker.pid },
    pool,
  });
  const { rows } = await pool.query<{ effects: number; events: number }>(
    'select count(*)::int as effects, count(distinct event_id)::int as events from bench_effects',
  );
  const { effects, events } = rows[0] ?? { effects: 0, events: 0 };
  return { perSecond, cost, wrong: count - events + (effects - events) };
}

/** Ids in the order of their making would all fall on one page of an index, which stays in memory however large the rest. */
function eventsWithRandomIds(count: number): readonly BenchEvent[] {
  let run = '';
  return Array.from({ length: count }, (_, number) => {
    // Every fifth refunds the one before it.
    if (number % 5 !== 4) run = randomBytes(6).toString('hex');
    return stripeEvent(number, run);
  });
}

/** A database that is what another one is, once nobody is connected to that. */
async function copyDatabase(url: string, name: string): Promise<string> {
  const of = new URL(url).pathname.slice(1);
  await asked(at(url, 'postgres'), async (client) => {
    const connected = async (): Promise<boolean> =>
      (await client.query('select from pg_stat_activity where datname = $1', [of])).rowCount !== 0;
    // A backend outlives its client by a moment.
    while (await connected()) await sleep(LOOK_MS);
    await client.query(`create database ${name} template ${of}`);
  });
  return at(url, name);
}

function at(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

async function bytesOf(url: string): Promise<number> {
  return asked(url, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      'select pg_database_size(current_database())::text as bytes',
    );
    return Number(rows[0]?.bytes ?? 0);
  });
}

/** Asks over a connection that is closed when this resolves, which a pool's is not. */
async function asked<Answer>(url: string, ask: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await ask(client);
  } finally {
    await client.end();
  }
}

function postgresMicros(measured: readonly Measured[]): number | null {
  const costs = measured.flatMap(({ cost }) => (cost === null ? [] : [cost.postgres]));
  return costs.length === 0 ? null : summary(costs).median;
}

function minutesSince(began: number): string {
  return ((performance.now() - began) / 60_000).toFixed(1);
}

function render(report: {
  readonly settings: Settings;
  readonly few: { readonly median: number };
  readonly stored: { readonly median: number; readonly bytes: number };
  readonly ratio: { readonly median: number; readonly least: number; readonly most: number };
  readonly postgresMicros: { readonly few: number | null; readonly stored: number | null };
  readonly wrong: number;
}): string {
  const { settings, few, stored, ratio, postgresMicros: micros } = report;
  const line = (events: number, perSecond: number, used: number | null): string =>
    `beside ${String(events).padStart(11)} stored: ${perSecond.toFixed(0)} events a second, PostgreSQL ${used?.toFixed(0) ?? '?'} µs of a processor each`;
  return [
    line(settings.few, few.median, micros.few),
    line(settings.stored, stored.median, micros.stored),
    `${ratio.median.toFixed(2)} × (${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)}); the large database has ${(stored.bytes / 1e9).toFixed(1)} GB; lost or twice: ${report.wrong}`,
    '',
  ].join('\n');
}
