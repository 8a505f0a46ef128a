import { parseArgs } from 'node:util';
import * as z from 'zod';
import { planCapacity, type Demand, type Plan } from './capacity-plan.ts';
import { measured } from './measured.ts';

const usage = `Usage: pnpm capacity --events-per-day N [--peak N] [--body-bytes N] [--outage-hours N]
                    [--retention-days N|forever] [--handler-ms N] [--json]

What a number of events a day takes: processes, connections, shards of the
queue, Redis's memory, PostgreSQL's disk. Reckoned from what was measured on two
cores, of which half is planned with; docs/SCALING.md says what limits first.

  --events-per-day N   such as 250000, 10m, 1b
  --peak N             how much busier the busiest second is than the average   (default 5)
  --body-bytes N       of one event                                              (default 1400)
  --outage-hours N     workers or database away, everything waiting in Redis     (default 4)
  --retention-days N   how long events are kept, or forever                      (default 90)
  --handler-ms N       what your handlers wait for others, for one event         (default 0)
  --json               for machines
`;

const unit: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, b: 1e9 };

const count = z
  .string()
  .regex(/^\d+(?:\.\d+)?[kmb]?$/i, 'must be a number, such as 250000, 10m or 1b')
  .transform((text) => Number.parseFloat(text) * (unit[/[kmb]$/i.exec(text)?.[0].toLowerCase() ?? ''] ?? 1));

const settingsSchema = z.object({
  'events-per-day': count.pipe(z.number().min(1).max(1e11)),
  peak: z.coerce.number().min(1).max(1_000),
  'body-bytes': z.coerce.number().min(1).max(1_048_576),
  'outage-hours': z.coerce.number().min(0).max(720),
  'retention-days': z.union([z.literal('forever').transform(() => null), z.coerce.number().min(1).max(36_500)]),
  'handler-ms': z.coerce.number().min(0).max(60_000),
});

const { values } = parseArgs({
  options: {
    'events-per-day': { type: 'string' },
    peak: { type: 'string', default: '5' },
    'body-bytes': { type: 'string', default: '1400' },
    'outage-hours': { type: 'string', default: '4' },
    'retention-days': { type: 'string', default: '90' },
    'handler-ms': { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(usage);
else {
  const settings = settingsSchema.safeParse(values);
  if (settings.success) {
    const demand: Demand = {
      eventsPerDay: settings.data['events-per-day'],
      peakFactor: settings.data.peak,
      bodyBytes: settings.data['body-bytes'],
      outageHours: settings.data['outage-hours'],
      retentionDays: settings.data['retention-days'],
      handlerMs: settings.data['handler-ms'],
    };
    const plan = planCapacity(demand);
    process.stdout.write(
      values.json ? `${JSON.stringify({ demand, plan, measured }, null, 2)}\n` : render(demand, plan),
    );
  } else {
    const problems = settings.error.issues.map(({ path, message, code }) =>
      code === 'invalid_type' ? `--${path.join('.')} is needed` : `--${path.join('.')}: ${message}`,
    );
    process.stderr.write(`${problems.join('\n')}\n\n${usage}`);
    process.exitCode = 64;
  }
}

function render(demand: Demand, plan: Plan): string {
  const number = (value: number): string => Math.ceil(value).toLocaleString('en');
  return [
    `${number(demand.eventsPerDay)} events a day: ${number(plan.averagePerSecond)} a second on average, ${number(plan.peakPerSecond)} at the peak`,
    '',
    `  ingest      ${plan.ingestProcesses} processes, each on a core`,
    `  workers     ${plan.workerProcesses} processes, ${plan.connectionsPerWorker} connections each (DATABASE_POOL_MAX)`,
    `  Redis       ${size(plan.queueBytes)} for ${demand.outageHours} hours of waiting, ${plan.queueShards} shards (QUEUE_SHARDS)`,
    `  PostgreSQL  ${size(plan.storedBytesPerDay)} a day${
      plan.storedBytes === null ? ', kept for ever' : `, ${size(plan.storedBytes)} for ${demand.retentionDays} days`
    }`,
    plan.needsMoreDatabase
      ? `              the peak is more than half of what two cores were measured to write: see docs/SCALING.md, "PostgreSQL"`
      : '',
    '',
  ]
    .filter((line, position, lines) => line !== '' || lines[position - 1] !== '')
    .join('\n');
}

function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let position = 0;
  while (value >= 1_000 && position < units.length - 1) {
    value /= 1_000;
    position += 1;
  }
  return `${value < 10 && position > 0 ? value.toFixed(1) : Math.round(value)} ${units[position] ?? ''}`;
}
