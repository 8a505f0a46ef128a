import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { startChild, type Child } from './child.ts';
import { runBench } from './command-line.ts';
import type { LoadArgument } from './load/main.ts';
import { isFlat, memoryOf, type Sample } from './memory-trend.ts';
import { residentMiB, startIngest } from './processes.ts';
import { startServices } from './services.ts';

const usage = `Usage: pnpm bench:soak [--minutes N] [--rate N] [--bound-mib N]
                       [--node-options=TEXT] [--json]

Whether the memory of one ingest stays where it is. Signed events arrive at a
steady rate, whether or not it keeps up. Nobody processes them: the queue is
emptied four times a second, so that Redis does not grow. Resident memory is
read every 5 seconds; the first tenth of the time is warm-up.

  --minutes N            (default 60; fractions too)
  --rate N               events a second                            (default 500)
  --bound-mib N          what the ingest may take at most, in MiB   (default 200)
  --node-options=TEXT    its NODE_OPTIONS, such as --max-semi-space-size=8
  --json                 the report for machines

Flat is: each sixth of the time has its median within 10 % of the whole's. Exit
code 1 where it is not flat, or above the bound, or a request was refused, or
the queue had not what was acknowledged. Linux alone.
`;

const settingsSchema = z.object({
  minutes: z.coerce.number().positive().max(10_080).default(60),
  rate: z.coerce.number().positive().max(100_000).default(500),
  'bound-mib': z.coerce.number().positive().default(200),
  'node-options': z.string().default(''),
});
type Settings = z.infer<typeof settingsSchema>;

const SAMPLE_MS = 5_000;

/** Seldom enough to cost nothing, and what is in the queue meanwhile is a few hundred events. */
const DRAIN_MS = 250;

/** What a load generator says when it is done. */
const loadSchema = z.object({
  byStatus: z.record(z.string(), z.number()),
  latency: z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() }),
});

await runBench({ usage, settings: settingsSchema, main });

async function main(settings: Settings, { json }: { readonly json: boolean }): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const services = stack.use(await startServices());
  const { ingest, port } = await startIngest(stack, {
    REDIS_URL: services.redisUrl,
    NODE_OPTIONS: settings['node-options'],
  });
  if (residentMiB(ingest) === null) throw new Error('memory is read from /proc, which is not here');
  const queue = stack.adopt(new Queue('webhooks', { connection: services.redis }), (opened) => opened.close());
  const load = stack.use(startLoad(port, settings));
  const over = load.exited.then(() => true);
  const emptying = empty(queue, over);
  const samples = await sample({ ingest, over, minutes: settings.minutes });
  const { byStatus, latency } = await load.line((document) => loadSchema.safeParse(document).data);
  await emptying;

  const acknowledged = byStatus['200'] ?? 0;
  const refused = Object.values(byStatus).reduce((sum, count) => sum + count, 0) - acknowledged;
  // BullMQ numbers the jobs that it adds, whatever becomes of them.
  const queued = Number(await services.redis.get('bull:webhooks:id'));
  const memory = memoryOf(samples);
  const bound = settings['bound-mib'];
  const report = {
    settings,
    memory,
    flat: isFlat(memory),
    withinBound: memory.most <= bound,
    answered: latency,
    acknowledged,
    refused,
    lost: acknowledged - queued,
  };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : render(report));
  return report.flat && report.withinBound && refused === 0 && report.lost === 0 ? 0 : 1;
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

/** Takes from the queue all that waits, again and again, until the load is over. */
async function empty(queue: Queue, over: Promise<boolean>): Promise<void> {
  do await queue.drain();
  while (!(await Promise.race([over, sleep(DRAIN_MS, false)])));
  await queue.drain();
}

async function sample(of: {
  readonly ingest: Child;
  readonly over: Promise<boolean>;
  readonly minutes: number;
}): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const began = performance.now();
  do {
    const mib = residentMiB(of.ingest);
    if (mib === null) throw new Error('the ingest has ended');
    const atMinutes = (performance.now() - began) / 60_000;
    samples.push({ atMinutes, mib });
    process.stderr.write(`${atMinutes.toFixed(1)} of ${of.minutes} minutes, ${mib} MiB\n`);
  } while (!(await Promise.race([of.over, sleep(SAMPLE_MS, false)])));
  return samples;
}

function render(report: {
  readonly settings: Settings;
  readonly memory: ReturnType<typeof memoryOf>;
  readonly flat: boolean;
  readonly withinBound: boolean;
  readonly answered: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly acknowledged: number;
  readonly refused: number;
  readonly lost: number;
}): string {
  const { settings, memory, answered } = report;
  return [
    `${settings.rate} events a second for ${settings.minutes} minutes, one ingest, the queue emptied`,
    `  memory after warm-up  ${memory.start} MiB, median ${memory.median}, at most ${memory.most}: ${report.withinBound ? 'within' : 'above'} ${settings['bound-mib']}`,
    `  slope                 ${memory.mibPerHour.toFixed(1)} MiB an hour; medians of sixths ${memory.parts.join(', ')}: ${report.flat ? 'flat' : 'not flat'}`,
    `  answered              p50 ${answered.p50.toFixed(1)} ms, p99 ${answered.p99.toFixed(1)} ms, at most ${answered.max.toFixed(0)} ms`,
    `  acknowledged ${report.acknowledged}, refused ${report.refused}, not in the queue ${report.lost}`,
    '',
  ].join('\n');
}
