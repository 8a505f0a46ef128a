import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchIngest, ingestVariants, ingestWarmUp } from './bench-ingest.ts';
import { benchRebuild, rebuildVariants } from './bench-rebuild.ts';
import { benchWorker, workerVariants } from './bench-worker.ts';
import { benchHostile, hostileVariants, STORMS } from './hostile.ts';
import { RATIO_MAX } from './pace.ts';
import { renderReport, reportOf, type Measurement, type Round, type Target } from './report.ts';
import { startServices, type BenchServices } from './services.ts';

const usage = `Usage: pnpm bench [ingest] [worker] [rebuild] [hostile] [--only VARIANT,…] [--rounds N] [--seconds N]
                 [--events N] [--storms N,…] [--gate] [--json FILE] [--profile FOLDER]

Measures ingest and worker against straightforward code, on a durable Redis and
a PostgreSQL of its own, each in processes of its own. Every round measures
each variant once, in another order; ratios are taken within a round. What is
acknowledged is counted afterwards.

  ingest, worker   what to measure; both unless said otherwise
  rebuild          how fast all events are folded anew; give it --events 200000 or more
  hostile          genuine events, calm and under forged requests: p99, what refusing costs
  --only VARIANT   ${[...ingestVariants, ...workerVariants, ...rebuildVariants, ...hostileVariants].join(', ')}
  --rounds N       (default 3)
  --seconds N      of each measurement at ingest   (default 6)
  --events N       that each worker is given       (default 20000)
  --storms N,…     forged requests a second        (default ${STORMS.join(',')})
  --gate           hostile fails where genuine p99 under the largest storm is more than ${RATIO_MAX} × of calm
  --json FILE      the report for machines; - for standard output
  --profile FOLDER a cpuprofile of every process measured

Exit code 1 where anything was lost, failed or took effect twice, and with --gate
where one of the variants of hostile is beyond its bound, by the median of its rounds.
`;

const targets: readonly Target[] = [
  { what: 'ingest against Hono and BullMQ add', variant: 'penstock', against: 'hono-bullmq', atLeast: 1.3 },
  { what: 'ingest against Hono, HMAC and XADD', variant: 'penstock', against: 'hono-hmac-xadd', atLeast: 0.9 },
  { what: 'two ingests against Hono and BullMQ add', variant: 'penstock-two', against: 'hono-bullmq', atLeast: 1.3 },
  { what: 'two ingests against Hono, HMAC and XADD', variant: 'penstock-two', against: 'hono-hmac-xadd', atLeast: 0.9 },
  { what: 'worker against one transaction an event', variant: 'penstock-worker', against: 'plain-worker', atLeast: 3 },
  {
    what: 'worker against small transactions',
    variant: 'penstock-worker',
    against: 'small-transactions',
    atLeast: 1.2,
  },
];

const { values, positionals } = readArguments();
if (values.help) process.stdout.write(usage);
else if (positionals.includes('hostile')) process.exitCode = await hostile();
else process.exitCode = await main();

async function hostile(): Promise<number> {
  await using services = await startServices();
  const only = values.only?.split(',');
  return await benchHostile(services, {
    rounds: Number(values.rounds),
    milliseconds: Number(values.seconds) * 1_000,
    variants: hostileVariants.filter((variant) => only === undefined || only.includes(variant)),
    storms: values.storms.split(',').map(Number),
    gated: values.gate,
  });
}

async function main(): Promise<number> {
  const rounds = Number(values.rounds);
  const round: Round = {
    milliseconds: Number(values.seconds) * 1_000,
    warmUp: ingestWarmUp,
    events: Number(values.events),
    profile: values.profile,
  };
  if (round.profile !== undefined) mkdirSync(round.profile, { recursive: true });
  const measurements: Measurement[] = [];
  await using services = await startServices();
  for (let number = 0; number < rounds; number += 1)
    for (const measure of rotated(chosenMeasures(), number)) {
      await measure(services, round, (measured) => {
        measurements.push(measured);
        process.stderr.write(
          `round ${number + 1} of ${rounds}: ${measured.name} ${Math.round(measured.perSecond)} a second${tellCost(measured)}\n`,
        );
      });
    }
  const report = reportOf(measurements, targets);
  if (values.json !== '-') process.stdout.write(renderReport(report));
  if (values.json === '-') process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  return measurements.some(({ lost, failed }) => lost > 0 || failed > 0) ? 1 : 0;
}

function tellCost({ cost }: Measurement): string {
  if (cost === undefined || cost === null) return '';
  const { worker, postgres, redis, walBytes } = cost;
  const [node, sql, queue, wal] = [worker, postgres, redis, walBytes].map(Math.round);
  return `; an event takes ${node} µs of the worker, ${sql} of PostgreSQL, ${queue} of Redis, ${wal} bytes of WAL`;
}

type Measure = (services: BenchServices, round: Round, onDone: (measured: Measurement) => void) => Promise<void>;

function chosenMeasures(): readonly Measure[] {
  const only = values.only?.split(',');
  const isChosen = (variant: string): boolean => only === undefined || only.includes(variant);
  const isAsked = (part: string): boolean => positionals.length === 0 || positionals.includes(part);
  return [
    ...(isAsked('ingest') ? ingestVariants : []).filter(isChosen).map(
      (variant): Measure =>
        (services, round, onDone) =>
          benchIngest(variant, { services, round, onDone }),
    ),
    ...(isAsked('worker') ? workerVariants : []).filter(isChosen).map(
      (variant): Measure =>
        (services, round, onDone) =>
          benchWorker(variant, { services, round, onDone }),
    ),
    ...(positionals.includes('rebuild') ? rebuildVariants : []).filter(isChosen).map(
      (variant): Measure =>
        (services, round, onDone) =>
          benchRebuild(variant, { services, round, onDone }),
    ),
  ];
}

/** Another order in every round, so that no variant is always the one after the same. */
function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function readArguments() {
  const parsed = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '6' },
      events: { type: 'string', default: '20000' },
      storms: { type: 'string', default: STORMS.join(',') },
      gate: { type: 'boolean', default: false },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const numbers = [parsed.values.rounds, parsed.values.seconds, parsed.values.events].map(Number);
  const known = new Set<string>([...ingestVariants, ...workerVariants, ...rebuildVariants, ...hostileVariants]);
  const strangers = [
    ...parsed.positionals.filter((part) => !['ingest', 'worker', 'rebuild', 'hostile'].includes(part)),
    ...(parsed.values.only?.split(',') ?? []).filter((variant) => !known.has(variant)),
  ];
  const storms = parsed.values.storms.split(',').map(Number);
  const gatesNothing =
    parsed.values.gate && (!parsed.positionals.includes('hostile') || !storms.some((storm) => storm > 0));
  if (
    gatesNothing ||
    strangers.length > 0 ||
    numbers.some((number) => !(number > 0)) ||
    storms.some((storm) => !(storm >= 0))
  ) {
    process.stderr.write(`${strangers.length > 0 ? `There is no ${strangers.join(', ')}.\n\n` : ''}${usage}`);
    process.exit(64);
  }
  return parsed;
}
