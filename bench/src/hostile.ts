import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { portOf, queued, resultSchema } from './bench-ingest.ts';
import { startChild, type Child } from './child.ts';
import type { LoadResult } from './load/generator.ts';
import type { LoadArgument } from './load/main.ts';
import type { BenchServices } from './services.ts';
import { RATIO_MAX, ratioToCalm, slowedAtWorst } from './pace.ts';
import { summary } from './statistics.ts';

/** Genuine events a second: what a busy installation has, and little beside what a core bears. */
const GENUINE_PER_SECOND = 200;

/** Forged requests a second; 0 is calm. */
export const STORMS: readonly number[] = [0, 1_000, 2_500, 5_000, 10_000];

/** One ingest, and two that share its port; without and with a limit of refusals for each client, which is off unless asked for. */
const VARIANTS = {
  'one-ingest': { ingests: 1, refusalsPerMinute: 0, is: 'one ingest' },
  'one-limiting': { ingests: 1, refusalsPerMinute: 60, is: 'one ingest, 60 refusals a client and minute' },
  'two-ingests': { ingests: 2, refusalsPerMinute: 0, is: 'two ingests on one port' },
  'two-limiting': { ingests: 2, refusalsPerMinute: 60, is: 'two ingests on one port, 60 refusals a client and minute' },
} as const;
export type HostileVariant = keyof typeof VARIANTS;
export const hostileVariants: readonly HostileVariant[] = ['one-ingest', 'one-limiting', 'two-ingests', 'two-limiting'];

/** For comparison: node:http that answers everything and looks at nothing. */
const FLOOR = 'node-http';

/** Sent one after the other to find what one request of each traffic costs ingest. */
const COST_REQUESTS = 10_000;

/** A kernel's clock tick, in which /proc counts processor time (getconf CLK_TCK; 100 on every Linux in use). */
const TICK_MS = 10;

interface Measured {
  readonly variant: HostileVariant;
  readonly storm: number;
  readonly genuine: LoadResult;
  /** Null in calm. */
  readonly forged: LoadResult | null;
  readonly lost: number;
  /** Processor time of all ingests while it was measured, in milliseconds. */
  readonly processorMs: number;
}

/** Microseconds of ingest's processor time for a request. */
interface Cost {
  readonly variant: HostileVariant | typeof FLOOR;
  readonly traffic: 'genuine' | 'forged';
  readonly microseconds: number;
}

/**
 * The latency of genuine events while forged requests of fourteen kinds come
 * at a fixed rate, whether or not they are answered in time. Each round measures
 * calm and every storm on one ingest and on two, with and without a limit for each
 * client, and what a request costs them. Returns exit code 1 where an acknowledged event
 * is not in the queue, and with `gated` where a variant is beyond `RATIO_MAX` under the largest storm.
 */
export async function benchHostile(
  services: BenchServices,
  options: {
    readonly rounds: number;
    readonly milliseconds: number;
    readonly variants: readonly HostileVariant[];
    /** Forged requests a second, each beside the calm that it is compared with. */
    readonly storms: readonly number[];
    readonly gated: boolean;
  },
): Promise<number> {
  const { variants } = options;
  const storms = [...new Set([0, ...options.storms])].toSorted((one, other) => one - other);
  const measured: Measured[] = [];
  const costs: Cost[] = [];
  for (let round = 0; round < options.rounds; round += 1)
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      await using started = new AsyncDisposableStack();
      const first = started.use(startIngest(services, variant, 0));
      const port = await first.line(portOf);
      const ingests = [first];
      while (ingests.length < VARIANTS[variant].ingests) {
        const another = started.use(startIngest(services, variant, port));
        await another.line(portOf);
        ingests.push(another);
      }
      const given = { variant, ingests, port };
      await warmUp(services, port);
      for (const storm of round % 2 === 0 ? storms : storms.toReversed()) {
        const one = await measure(services, { ...given, storm, milliseconds: options.milliseconds });
        measured.push(one);
        const { p50, p99 } = one.genuine.latency;
        process.stderr.write(
          `round ${round + 1} of ${options.rounds}: ${variant}, ${storm} forged a second: genuine p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms\n`,
        );
      }
      for (const traffic of ['genuine', 'forged', 'forged', 'genuine'] as const)
        costs.push(await measureCost(services, { ...given, traffic }));
    }
  for (let round = 0; round < options.rounds; round += 1) {
    await using server = startChild({ script: 'bench/src/servers/main.ts', args: [FLOOR, services.redisUrl] });
    const given = { variant: FLOOR, ingests: [server], port: await server.line(portOf) } as const;
    await measureCost(services, { ...given, traffic: 'forged' });
    costs.push(await measureCost(services, { ...given, traffic: 'forged' }));
  }
  process.stdout.write(variants.map((variant) => tell(variant, { storms, measured, costs })).join('\n'));
  const slowed = options.gated ? slowedAtWorst(pacesOf(measured)) : [];
  for (const { variant, storm, ratio } of slowed)
    process.stderr.write(
      `✗ ${variant}, ${storm} forged a second: genuine p99 is ${ratio.toFixed(1)} × of calm, at most ${RATIO_MAX} ×\n`,
    );
  return slowed.length > 0 || measured.some(({ lost }) => lost !== 0) ? 1 : 0;
}

function pacesOf(measured: readonly Measured[]) {
  return measured.map(({ variant, storm, genuine }) => ({ variant, storm, p99: genuine.latency.p99 }));
}

/** Until V8 has compiled what both kinds of traffic run through (bench-ingest.ts): a storm that meets cold code is another thing. */
async function warmUp(services: BenchServices, port: number): Promise<void> {
  for (const traffic of ['genuine', 'forged', 'genuine', 'forged'] as const) {
    await load(port, { traffic, perSecond: null, events: 60_000, milliseconds: 5_000, connections: 64 });
    await services.redis.flushall();
  }
}

function startIngest(services: BenchServices, variant: HostileVariant, port: number): Child {
  return startChild({
    script: 'apps/ingest/src/main.ts',
    env: {
      REDIS_URL: services.redisUrl,
      PENSTOCK_CONFIG: 'bench/src/bench.config.ts',
      PORT: String(port),
      PORT_SHARED: 'true',
      HEALTH_PORT: '0',
      TRUSTED_PROXIES: '127.0.0.1',
      REFUSALS_PER_MINUTE: String(VARIANTS[variant].refusalsPerMinute),
      // As in bench-ingest.ts: a 503 because the machine is shared would hide what is measured.
      ENQUEUE_MS: '5000',
    },
  });
}

async function measure(
  services: BenchServices,
  given: Started & { readonly storm: number; readonly milliseconds: number },
): Promise<Measured> {
  const { variant, ingests, port, storm, milliseconds } = given;
  await services.redis.flushall();
  // Twice as long: it blows before the genuine ones come, and until they are over.
  const stormMs = milliseconds + 4_000;
  const blowing =
    storm === 0
      ? null
      : load(
          port,
          {
            traffic: 'forged',
            perSecond: storm,
            events: Math.ceil((storm * stormMs) / 1_000) + 1,
            milliseconds: stormMs,
            connections: 128,
          },
          // Who forges has no part of this machine. That it keeps its rate is in the report.
          { yielding: true },
        );
  if (blowing !== null) await delay(2_000);
  const before = processorTicks(ingests);
  const genuine = await load(port, {
    traffic: 'genuine',
    perSecond: GENUINE_PER_SECOND,
    events: Math.ceil((GENUINE_PER_SECOND * milliseconds) / 1_000) + 1,
    milliseconds,
    connections: 16,
  });
  const processorMs = (processorTicks(ingests) - before) * TICK_MS;
  const forged = (await blowing) ?? null;
  const lost = (genuine.byStatus['200'] ?? 0) - (await queued(services.redis));
  return { variant, storm, genuine, forged, lost, processorMs };
}

interface Started {
  readonly variant: HostileVariant;
  readonly ingests: readonly Child[];
  readonly port: number;
}

/** By requests that wait for each other's answers, so that nothing is measured but work. */
async function measureCost(
  services: BenchServices,
  { variant, ingests, port, traffic }: Omit<Started, 'variant'> & Pick<Cost, 'variant' | 'traffic'>,
): Promise<Cost> {
  await services.redis.flushall();
  const before = processorTicks(ingests);
  const { sent } = await load(port, {
    traffic,
    perSecond: null,
    events: COST_REQUESTS,
    milliseconds: 60_000,
    connections: 16,
  });
  return { variant, traffic, microseconds: ((processorTicks(ingests) - before) * TICK_MS * 1_000) / sent };
}

async function load(
  port: number,
  how: Omit<LoadArgument, 'port' | 'path'>,
  { yielding = false }: { readonly yielding?: boolean } = {},
): Promise<LoadResult> {
  const argument: LoadArgument = { port, path: '/webhooks/stripe', ...how };
  await using generator = startChild({ script: 'bench/src/load/main.ts', args: [JSON.stringify(argument)], yielding });
  return await generator.line((document) => resultSchema.safeParse(document).data);
}

/** User and system time of all of them; the 14th and 15th field, the name in brackets being the second. */
function processorTicks(processes: readonly Child[]): number {
  return processes.reduce((ticks, { pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return ticks + Number(fields[11]) + Number(fields[12]);
  }, 0);
}

function tell(
  variant: HostileVariant,
  all: { readonly storms: readonly number[]; readonly measured: readonly Measured[]; readonly costs: readonly Cost[] },
): string {
  const measured = all.measured.filter((one) => one.variant === variant);
  const at = (storm: number, read: (one: Measured) => number): number =>
    summary(measured.filter((one) => one.storm === storm).map(read)).median;
  const rows = all.storms.map((storm) => {
    const ratio = ratioToCalm(pacesOf(measured), { variant, storm });
    return [
      storm,
      Math.round(at(storm, ({ forged }) => forged?.perSecond ?? 0)),
      at(storm, ({ genuine }) => genuine.latency.p50).toFixed(1),
      at(storm, ({ genuine }) => genuine.latency.p99).toFixed(1),
      `${ratio.toFixed(1)}${ratio <= RATIO_MAX ? '' : ' (over)'}`,
      at(storm, ({ genuine }) => genuine.sent - (genuine.byStatus['200'] ?? 0)),
      at(storm, ({ lost }) => lost),
      `${(100 * at(storm, ({ processorMs, genuine }) => processorMs / (genuine.seconds * 1_000))).toFixed(0)} %`,
    ].join(' | ');
  });
  const cost = (traffic: Cost['traffic'], of: Cost['variant'] = variant): string =>
    summary(
      all.costs.filter((one) => one.variant === of && one.traffic === traffic).map((one) => one.microseconds),
    ).median.toFixed(0);
  const statuses = measured.find(({ storm }) => storm === all.storms.at(-1))?.forged?.byStatus ?? {};
  return `${VARIANTS[variant].is}:
| forged a second | answered | genuine p50 ms | p99 ms | of calm | not 200 | lost | a core |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row} |`).join('\n')}
a forged request costs ${cost('forged')} µs of processor, a genuine one ${cost('genuine')} µs, a forged one at node:http that answers everything ${cost('forged', FLOOR)} µs
forged ones were answered ${JSON.stringify(statuses)}
`;
}
