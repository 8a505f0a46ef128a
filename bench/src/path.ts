import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import * as z from 'zod';
import { openWebhookQueue, type WebhookQueue } from '@penstock/runtime/webhook-queue';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { startChild, type Child } from './child.ts';
import { runBench } from './command-line.ts';
import type { LoadArgument } from './load/main.ts';
import { residentMiB, startIngest, startWorker } from './processes.ts';
import { startServices } from './services.ts';

const usage = `Usage: pnpm bench:path [--rate N] [--minutes N] [--workers N] [--backend redis|postgres] [--json]

The whole path: events arrive at an ingest at a steady rate, whether or not it
keeps up, are queued, and processed by workers into PostgreSQL; one handler
writes a row for each. Tells how long events took from receipt to processing,
whether the backlog grew, and what the ingest's memory did; and counts what was
acknowledged, processed, lost and processed twice.

  --rate N      events a second                  (default 1000)
  --minutes N                                    (default 5; fractions too)
  --workers N   worker processes                 (default 1)
  --backend     where the queue lives            (default redis)
  --json        the report for machines

Exit code 1 where anything was lost, refused or took effect twice, or the
backlog grew.
`;

const settingsSchema = z.object({
  rate: z.coerce.number().positive().max(100_000).default(1_000),
  minutes: z.coerce.number().positive().max(1_440).default(5),
  workers: z.coerce.number().int().min(1).max(32).default(1),
  backend: z.enum(['redis', 'postgres']).default('redis'),
});
type Settings = z.infer<typeof settingsSchema>;

/** What a load generator says when it is done. */
const loadSchema = z.object({
  byStatus: z.record(z.string(), z.number()),
  latency: z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() }),
});

/** How often backlog and memory are looked at. */
const LOOK_MS = 1_000;

/** The share of the time that is warm-up: code is compiled, connections are opened, caches are filled. */
const WARM_UP_SHARE = 0.1;

/** How long the workers may take for what is left when the load ends. */
const DRAIN_MS = 120_000;

await runBench({ usage, settings: settingsSchema, main });

async function main(settings: Settings, { json }: { readonly json: boolean }): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const services = stack.use(await startServices());
  const databaseUrl = await services.createDatabase();
  const pool = stack.adopt(new Pool({ connectionString: databaseUrl, max: 2 }), (opened) => opened.end());
  const location: QueueLocation =
    settings.backend === 'redis'
      ? { backend: 'redis', url: services.redisUrl, name: 'webhooks' }
      : { backend: 'postgres', url: databaseUrl, name: 'webhooks' };
  const queue = stack.use(openWebhookQueue(location));
  await queue.connected();
  const place = settings.backend === 'redis' ? { REDIS_URL: services.redisUrl } : { QUEUE_DATABASE_URL: databaseUrl };
  for (let number = 0; number < settings.workers; number += 1)
    await startWorker(stack, { ...place, DATABASE_URL: databaseUrl });
  const { ingest, port } = await startIngest(stack, place);

  const load = stack.use(startLoad(port, settings));
  const looks = await watch({ queue, ingest, load, settings });
  const { byStatus, latency } = await load.line((document) => loadSchema.safeParse(document).data);
  const acknowledged = byStatus['200'] ?? 0;
  const refused = Object.values(byStatus).reduce((sum, count) => sum + count, 0) - acknowledged;
  const drained = await drain(pool, acknowledged);
  const report = { settings, acknowledged, refused, answered: latency, ...drained, ...judge(looks, settings) };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : render(report));
  return report.lost > 0 || report.twice > 0 || refused > 0 || report.grew ? 1 : 0;
}

function startLoad(port: number, { rate, minutes }: Settings): Child {
  const argument: LoadArgument = {
    port,
    path: '/webhooks/stripe',
    connections: 64,
    milliseconds: minutes * 60_000,
    perSecond: rate,
    events: Math.ceil(rate * minutes * 60) + 1,
    signedLate: true,
  };
  return startChild({ script: 'bench/src/load/main.ts', args: [JSON.stringify(argument)] });
}

interface Look {
  readonly atMs: number;
  readonly backlog: number;
  readonly residentMiB: number | null;
}

/** Looks at backlog and memory until the load is over. */
async function watch(of: {
  readonly queue: WebhookQueue;
  readonly ingest: Child;
  readonly load: Child;
  readonly settings: Settings;
}): Promise<readonly Look[]> {
  const looks: Look[] = [];
  const started = performance.now();
  const over = of.load.exited.then(() => true);
  while (!(await Promise.race([over, sleep(LOOK_MS, false)]))) {
    const { waiting, active } = await of.queue.counts();
    const look = { atMs: performance.now() - started, backlog: waiting + active, residentMiB: residentMiB(of.ingest) };
    looks.push(look);
    if (process.stderr.isTTY)
      process.stderr.write(
        `\r${(look.atMs / 60_000).toFixed(1)} of ${of.settings.minutes} minutes, ${look.backlog} waiting, ingest ${look.residentMiB ?? '?'} MiB   `,
      );
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  return looks;
}

/** Waits for what is left, then counts effects and asks how long they took. */
async function drain(pool: Pool, acknowledged: number) {
  const deadline = performance.now() + DRAIN_MS;
  const processed = async (): Promise<number> => {
    const { rows } = await pool.query<{ done: number }>(
      "select count(*)::int as done from ledger where state = 'processed'",
    );
    return rows[0]?.done ?? 0;
  };
  while ((await processed()) < acknowledged && performance.now() < deadline) await sleep(LOOK_MS);
  const { rows } = await pool.query<Record<'effects' | 'events' | 'p50' | 'p99' | 'most', number>>(`
    select (select count(*)::int from bench_effects) as effects,
      (select count(distinct event_id)::int from bench_effects) as events,
      percentile_cont(0.5) within group (order by took) as p50, percentile_cont(0.99) within group (order by took) as p99,
      max(took) as most
    from (select (extract(epoch from finished_at - received_at) * 1000)::float8 as took
      from ledger where state = 'processed'
      and received_at > (select min(received_at) + (max(received_at) - min(received_at)) * ${WARM_UP_SHARE} from ledger)) as times`);
  const { effects, events, p50, p99, most } = rows[0] ?? { effects: 0, events: 0, p50: 0, p99: 0, most: 0 };
  return { lost: acknowledged - events, twice: effects - events, processedMs: { p50, p99, max: most } };
}

/** Whether the backlog of the last third is more than that of the second, by more than a second's events. */
function judge(looks: readonly Look[], { rate }: Settings) {
  const third = Math.floor(looks.length / 3);
  const mean = (part: readonly Look[]): number =>
    part.reduce((sum, { backlog }) => sum + backlog, 0) / Math.max(1, part.length);
  const [earlier, later] = [mean(looks.slice(third, -third)), mean(looks.slice(-third))];
  const memories = looks.flatMap((look) => (look.residentMiB === null ? [] : [look.residentMiB]));
  const warm = memories.slice(Math.floor(memories.length * WARM_UP_SHARE));
  return {
    backlog: { earlier: Math.round(earlier), later: Math.round(later) },
    grew: later > earlier + rate,
    ingestMiB: { least: Math.min(...warm), most: Math.max(...warm), last: warm.at(-1) ?? null },
  };
}

function render(report: {
  readonly settings: Settings;
  readonly acknowledged: number;
  readonly refused: number;
  readonly answered: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly processedMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly lost: number;
  readonly twice: number;
  readonly backlog: { readonly earlier: number; readonly later: number };
  readonly grew: boolean;
  readonly ingestMiB: { readonly least: number; readonly most: number; readonly last: number | null };
}): string {
  const { settings, answered, processedMs, backlog, ingestMiB } = report;
  const ms = ({ p50, p99, max }: { readonly p50: number; readonly p99: number; readonly max: number }): string =>
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${max.toFixed(0)} ms`;
  return [
    `${settings.rate} events a second for ${settings.minutes} minutes, ${settings.workers} workers, queue in ${settings.backend}`,
    `  answered            ${ms(answered)}`,
    `  received, processed ${ms(processedMs)}`,
    `  backlog             ${backlog.earlier} on average, then ${backlog.later}: ${report.grew ? 'grew' : 'did not grow'}`,
    `  ingest's memory     ${ingestMiB.least} to ${ingestMiB.most} MiB, ${ingestMiB.last ?? '?'} at the end`,
    `  acknowledged ${report.acknowledged}, refused ${report.refused}, lost ${report.lost}, twice ${report.twice}`,
    '',
  ].join('\n');
}
