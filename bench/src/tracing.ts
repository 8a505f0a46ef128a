import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { startChild, type Child } from './child.ts';
import { startServices, type BenchServices } from './services.ts';
import { ratios, summary } from './statistics.ts';

const usage = `Usage: node bench/src/tracing.ts [--rounds N] [--events N] [--json]

What tracing costs: ingest and a worker at work on the same events, without a
collector, with one as it is without further settings (fifty traces a second,
and every error), and with all traces sent to it. Every round measures each once, in another order. The measure is the
processor time of the process for one event, which is what bounds its
throughput, and which other work on the machine does not lengthen as it does
time by the clock.

  --rounds N  (default 3)
  --events N  a round   (default 6000)
  --json      for machines

Exit code 1 where the usual sampling costs 10 % of the throughput or more.
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    events: { type: 'string', default: '6000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const variants = ['off', 'usual', 'all'] as const;
type Variant = (typeof variants)[number];

/** More would be the same, and the mean time is taken after it. */
const WARM_UP_SHARE = 0.25;

async function main(): Promise<void> {
  const rounds = Number(values.rounds);
  const events = Number(values.events);
  const taken = { ingest: emptyTimes(), worker: emptyTimes() };
  await using services = await startServices();
  for (let round = 0; round < rounds; round += 1)
    for (const variant of [...variants.slice(round % 3), ...variants.slice(0, round % 3)]) {
      const { ingest, worker } = await measure(variant, events, services);
      taken.ingest[variant].push(ingest);
      taken.worker[variant].push(worker);
      process.stderr.write(
        `round ${round + 1} of ${rounds}, ${variant}: ingest ${ingest.toFixed(0)} µs, worker ${worker.toFixed(0)} µs an event\n`,
      );
    }
  const report = Object.entries(taken).flatMap(([what, times]) =>
    variants.map((variant) => ({
      what,
      variant,
      microseconds: summary(times[variant]),
      // Time for one event is the inverse of events in a time.
      throughput: ratios(times.off, times[variant]),
    })),
  );
  if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else
    for (const { what, variant, microseconds, throughput } of report)
      process.stdout.write(
        `${what.padEnd(8)}${variant.padEnd(7)}${microseconds.median.toFixed(0).padStart(6)} µs an event, throughput × ${throughput.median.toFixed(3)} (${throughput.least.toFixed(3)} – ${throughput.most.toFixed(3)})\n`,
      );
  if (report.some(({ variant, throughput }) => variant === 'usual' && throughput.median <= 0.9)) process.exitCode = 1;
}

function emptyTimes(): Record<Variant, number[]> {
  return { off: [], usual: [], all: [] };
}

/** Ingest fills the queue, then the worker empties it. */
async function measure(
  variant: Variant,
  events: number,
  services: BenchServices,
): Promise<{ readonly ingest: number; readonly worker: number }> {
  await services.redis.flushall();
  const databaseUrl = await services.createDatabase();
  const common = {
    REDIS_URL: services.redisUrl,
    PENSTOCK_CONFIG: 'bench/src/bench.config.ts',
    HEALTH_PORT: '0',
    ENQUEUE_MS: '30000',
    ...tracingOf(variant, services.collectorUrl),
  };
  const ingest = await (async () => {
    await using server = startChild({ script: 'apps/ingest/src/main.ts', env: { ...common, PORT: '0' } });
    const port = await server.line((document) => listening.safeParse(document).data);
    await load(port, Math.ceil(events * WARM_UP_SHARE));
    return await cpuPerEvent(server, events, () => load(port, events));
  })();
  await using db = openDatabase({ url: databaseUrl, poolMax: 1, applicationName: 'bench' });
  await using worker = startChild({
    script: 'apps/worker/src/main.ts',
    env: { ...common, DATABASE_URL: databaseUrl, FORWARD_CONCURRENCY: '0' },
  });
  const warm = await doneAtLeast(db, Math.ceil(events * WARM_UP_SHARE));
  return {
    ingest,
    worker: await cpuPerEvent(worker, events * (1 + WARM_UP_SHARE) - warm, () =>
      doneAtLeast(db, events * (1 + WARM_UP_SHARE)),
    ),
  };
}

function tracingOf(variant: Variant, collectorUrl: string): Readonly<Record<string, string>> {
  if (variant === 'off') return {};
  const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl };
  return variant === 'usual' ? collector : { ...collector, OTEL_TRACES_SAMPLER: 'parentbased_always_on' };
}

const listening = z.object({ url: z.url(), healthUrl: z.url() }).transform(({ url }) => Number(new URL(url).port));

async function load(port: number, events: number): Promise<void> {
  const argument = { port, path: '/webhooks/stripe', connections: 16, milliseconds: 120_000, perSecond: null, events };
  await using generator = startChild({ script: 'bench/src/load/main.ts', args: [JSON.stringify(argument)] });
  const { byStatus } = await generator.line(
    (document) => z.object({ byStatus: z.record(z.string(), z.number()) }).safeParse(document).data,
  );
  if (byStatus['200'] !== events) throw new Error(`not every event was accepted: ${JSON.stringify(byStatus)}`);
}

async function doneAtLeast(db: LedgerDatabase, events: number): Promise<number> {
  for (;;) {
    const { done } = await db
      .selectFrom('ledger')
      .select((count) => count.fn.countAll<number>().as('done'))
      .where('state', '!=', 'received')
      .executeTakeFirstOrThrow();
    if (Number(done) >= events) return Number(done);
    await sleep(50);
  }
}

async function cpuPerEvent(child: Child, events: number, work: () => Promise<unknown>): Promise<number> {
  const before = cpuMicroseconds(child.pid);
  await work();
  return (cpuMicroseconds(child.pid) - before) / events;
}

/** User and system time of a process: fields 14 and 15 of proc(5), in ticks of a hundredth of a second. */
function cpuMicroseconds(pid: number): number {
  const [, fields = ''] = /\) (.*)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
  return (user + system) * 10_000;
}

if (values.help) process.stdout.write(usage);
else await main();
