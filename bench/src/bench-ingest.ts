import type { Redis } from 'ioredis';
import { startChild, type Child } from './child.ts';
import type { LoadArgument } from './load/main.ts';
import { baselines, type Baseline } from './servers/baselines.ts';
import type { LoadResult } from './load/generator.ts';
import { processorMicrosOf } from './processor-time.ts';
import type { BenchServices } from './services.ts';
import type { Measurement, Round } from './report.ts';
import { freePort } from '@penstock/local/ports';
import * as z from 'zod';

/** `penstock-two` is two processes on one port, as on a machine of more than one core. */
export const ingestVariants = [...baselines, 'penstock', 'penstock-two'] as const;
export type IngestVariant = (typeof ingestVariants)[number];

const CONNECTIONS = 64;

/**
 * Until V8 has compiled what a request runs through: Penstock's takes 460 to 490 µs of processor in its first five
 * seconds at full rate, 330 after fifteen, 290 from twenty on.
 */
export const ingestWarmUp = { milliseconds: 20_000, events: 60_000 };

/** Of the greatest rate that was measured: where latency is asked for. */
const HALF = 0.5;

/**
 * Each variant's greatest rate, then its latency at half that rate by arrivals
 * that do not wait for answers. What says that it queued must have queued.
 */
export async function benchIngest(
  variant: IngestVariant,
  {
    services,
    round,
    onDone,
  }: { readonly services: BenchServices; readonly round: Round; readonly onDone: (measured: Measurement) => void },
): Promise<void> {
  await services.redis.flushall();
  await using server = await startServer(variant, services, round.profile);
  await load(server.port, { perSecond: null, ...round.warmUp });
  await services.redis.flushall();
  const before = server.processorMicros();
  const most = await load(server.port, { milliseconds: round.milliseconds, perSecond: null, events: eventsFor(round) });
  const after = server.processorMicros();
  const lost = await unaccounted(variant, most, services.redis);
  await services.redis.flushall();
  const half = most.perSecond * HALF;
  const calm = await load(server.port, {
    milliseconds: round.milliseconds,
    perSecond: half,
    events: Math.ceil((half * round.milliseconds) / 1_000) + 1,
  });
  onDone({
    name: variant,
    perSecond: most.perSecond,
    lost: lost + (await unaccounted(variant, calm, services.redis)),
    failed: failures(most) + failures(calm),
    processorMicros: before === null || after === null ? null : (after - before) / most.sent,
    latency: calm.latency,
  });
}

/** More than any server of one process answers in that time. */
function eventsFor({ milliseconds }: Round): number {
  return Math.ceil((milliseconds / 1_000) * 40_000);
}

export const resultSchema = z.object({
  sent: z.number(),
  byStatus: z.record(z.string(), z.number()),
  seconds: z.number(),
  perSecond: z.number(),
  latency: z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() }),
}) satisfies z.ZodType<LoadResult>;

async function load(
  port: number,
  how: Pick<LoadArgument, 'milliseconds' | 'perSecond' | 'events'>,
): Promise<LoadResult> {
  const argument: LoadArgument = { port, path: '/webhooks/stripe', connections: CONNECTIONS, ...how };
  await using generator = startChild({ script: 'bench/src/load/main.ts', args: [JSON.stringify(argument)] });
  return await generator.line((document) => resultSchema.safeParse(document).data);
}

function failures({ byStatus }: LoadResult): number {
  return Object.entries(byStatus).reduce((sum, [status, count]) => (status === '200' ? sum : sum + count), 0);
}

/** Acknowledged, and not in the queue. */
async function unaccounted(variant: IngestVariant, { byStatus }: LoadResult, redis: Redis): Promise<number> {
  const acknowledged = byStatus['200'] ?? 0;
  switch (variant) {
    case 'node-http':
    case 'hono':
    case 'hono-hmac':
      return 0;
    case 'hono-hmac-xadd':
      return acknowledged - (await redis.xlen('events'));
    case 'hono-bullmq':
    case 'hono-grouped':
    case 'penstock':
    case 'penstock-two':
      return acknowledged - (await queued(redis));
  }
}

export async function queued(redis: Redis): Promise<number> {
  return (await redis.llen('bull:webhooks:wait')) + (await redis.zcard('bull:webhooks:prioritized'));
}

interface Server extends AsyncDisposable {
  readonly port: number;
  /** Of all its processes so far; null where it cannot be read. */
  readonly processorMicros: () => number | null;
}

async function startServer(
  variant: IngestVariant,
  services: BenchServices,
  profile: string | undefined,
): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const shared = variant === 'penstock-two' ? await freePort() : 0;
  const processes = Array.from({ length: shared === 0 ? 1 : 2 }, () =>
    stack.use(startServerProcess(variant, { services, profile, shared })),
  );
  const [port = 0] = await Promise.all(processes.map((child) => child.line(portOf)));
  const started = stack.move();
  return {
    port,
    processorMicros: () => sumOf(processes.map(({ pid }) => processorMicrosOf(pid))),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function sumOf(all: readonly (number | null)[]): number | null {
  return all.reduce((sum, each) => (sum === null || each === null ? null : sum + each), 0);
}

function startServerProcess(
  variant: IngestVariant,
  given: {
    readonly services: BenchServices;
    readonly profile: string | undefined;
    /** The port that several processes share; 0 for one of its own. */
    readonly shared: number;
  },
): Child {
  const { services, profile, shared } = given;
  if (variant !== 'penstock' && variant !== 'penstock-two')
    return startChild({
      script: 'bench/src/servers/main.ts',
      args: [variant satisfies Baseline, services.redisUrl],
      profile,
    });
  return startChild({
    script: 'apps/ingest/src/main.ts',
    env: {
      REDIS_URL: services.redisUrl,
      PENSTOCK_CONFIG: 'bench/src/bench.config.ts',
      PORT: String(shared),
      ...(shared === 0 ? {} : { PORT_SHARED: 'true' }),
      HEALTH_PORT: '0',
      // A machine that is shared with the load stalls for longer than production's 200 ms; a 503 would count as failed.
      ENQUEUE_MS: '5000',
    },
    profile,
  });
}

export function portOf(document: unknown): number | undefined {
  const read = z
    .union([
      z.object({ port: z.number() }).transform(({ port }) => port),
      z.object({ url: z.url(), healthUrl: z.url() }).transform(({ url }) => Number(new URL(url).port)),
    ])
    .safeParse(document);
  return read.data;
}
