import { benchIngest, type IngestVariant } from './bench-ingest.ts';
import { benchWorker, type WorkerVariant } from './bench-worker.ts';
import { reportOf, type Measurement, type Round, type Target } from './report.ts';
import { startServices, type BenchServices } from './services.ts';

/**
 * `pnpm bench:gate`: whether the speed has collapsed. Ingest and worker are each put beside the plain variant, once, for
 * seconds; the bounds are far below what `pnpm bench` measures (bench/RESULTS.md), so that a noisy machine does not fail
 * what is well, and a query in a loop does. What fails is measured once more. Exit code 1 where it fails twice, or where
 * anything was lost.
 */
const targets: readonly Target[] = [
  { what: 'ingest against Hono and BullMQ add', variant: 'penstock', against: 'hono-bullmq', atLeast: 0.15 },
  {
    what: 'worker against one transaction an event',
    variant: 'penstock-worker',
    against: 'plain-worker',
    atLeast: 0.15,
  },
];

const round: Round = {
  milliseconds: 2_000,
  warmUp: { milliseconds: 1_500, events: 40_000 },
  events: 4_000,
  profile: undefined,
};
const ingest: readonly IngestVariant[] = ['hono-bullmq', 'penstock'];
const worker: readonly WorkerVariant[] = ['plain-worker', 'penstock-worker'];

process.exitCode = (await passes('once')) || (await passes('once more')) ? 0 : 1;

async function passes(which: string): Promise<boolean> {
  await using services = await startServices();
  const measurements = await measured(services);
  const { ratios } = reportOf(measurements, targets);
  for (const { what, ratio, atLeast, reached } of ratios)
    process.stdout.write(
      `${reached ? '✓' : '✗'} ${what}, measured ${which}: ${ratio.median.toFixed(2)} ×, at least ${atLeast} ×\n`,
    );
  const spoilt = measurements.filter(({ lost, failed }) => lost > 0 || failed > 0);
  for (const { name, lost, failed } of spoilt) process.stdout.write(`✗ ${name} lost ${lost} and failed ${failed}\n`);
  return ratios.length === targets.length && ratios.every(({ reached }) => reached) && spoilt.length === 0;
}

async function measured(services: BenchServices): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  const onDone = (measurement: Measurement): void => void measurements.push(measurement);
  for (const variant of ingest) await benchIngest(variant, { services, round, onDone });
  for (const variant of worker) await benchWorker(variant, { services, round, onDone });
  return measurements;
}
