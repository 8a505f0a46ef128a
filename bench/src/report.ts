import { arch, cpus, release, totalmem, type as system } from 'node:os';
import type { ProcessorTime } from './processor-time.ts';
import { ratios, summary, type Summary } from './statistics.ts';

/** How one measurement is taken. */
export interface Round {
  readonly milliseconds: number;
  /** For how long an ingest is given load before it is measured, and with how many events at most. */
  readonly warmUp: { readonly milliseconds: number; readonly events: number };
  /** Events that a worker is given. */
  readonly events: number;
  /** A folder for cpuprofiles. */
  readonly profile: string | undefined;
}

/** What one variant did in one round. */
export interface Measurement {
  readonly name: string;
  readonly perSecond: number;
  /** Acknowledged, and found nowhere; or given, and without effect. */
  readonly lost: number;
  /** Answers other than 200; effects beyond the first. */
  readonly failed: number;
  /** Processor time of the server measured, in microseconds for each request; null where it is not known. */
  readonly processorMicros?: number | null;
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number } | null;
  /** What one event took; null where that is not known. */
  readonly cost?: Cost | null;
}

/** Of one event: microseconds of processor time, and bytes that PostgreSQL wrote ahead. */
export interface Cost extends ProcessorTime {
  readonly walBytes: number;
}

/** A ratio that is to be reached. */
export interface Target {
  readonly what: string;
  readonly variant: string;
  readonly against: string;
  readonly atLeast: number;
}

export interface Report {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly variants: readonly {
    readonly name: string;
    readonly perSecond: Summary;
    readonly processorMicros: Summary | null;
    readonly p50: Summary | null;
    readonly p99: Summary | null;
    readonly lost: number;
    readonly failed: number;
  }[];
  readonly ratios: readonly (Target & { readonly ratio: Summary; readonly reached: boolean })[];
}

/** Medians with their spread, and the ratios of what was measured in the same round. */
export function reportOf(measurements: readonly Measurement[], targets: readonly Target[]): Report {
  const byName = Map.groupBy(measurements, ({ name }) => name);
  const rates = (name: string): readonly number[] => (byName.get(name) ?? []).map(({ perSecond }) => perSecond);
  const variants = [...byName].map(([name, rounds]) => {
    const latencies = rounds.flatMap(({ latency }) => (latency === null ? [] : [latency]));
    return {
      name,
      perSecond: summary(rounds.map(({ perSecond }) => perSecond)),
      processorMicros: summaryOf(rounds.map(({ processorMicros, cost }) => processorMicros ?? cost?.worker ?? null)),
      p50: latencies.length === 0 ? null : summary(latencies.map(({ p50 }) => p50)),
      p99: latencies.length === 0 ? null : summary(latencies.map(({ p99 }) => p99)),
      lost: rounds.reduce((sum, { lost }) => sum + lost, 0),
      failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    };
  });
  const measured = targets.filter(({ variant, against }) => byName.has(variant) && byName.has(against));
  return {
    machine: machine(),
    variants,
    ratios: measured.map((target) => {
      const ratio = ratios(rates(target.variant), rates(target.against));
      return { ...target, ratio, reached: ratio.median >= target.atLeast };
    }),
  };
}

function summaryOf(values: readonly (number | null)[]): Summary | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : summary(known);
}

function machine(): Report['machine'] {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? '',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${system()} ${release()} ${arch()}`,
    node: process.version,
  };
}

/** For people. */
export function renderReport({ machine: on, variants, ratios: reached }: Report): string {
  const rows = variants.map(({ name, perSecond, processorMicros, p50, p99, lost, failed }) => [
    name,
    rate(perSecond.median),
    `${rate(perSecond.least)} – ${rate(perSecond.most)}`,
    processorMicros === null ? '' : processorMicros.median.toFixed(0),
    p50 === null ? '' : p50.median.toFixed(2),
    p99 === null ? '' : p99.median.toFixed(2),
    String(lost),
    String(failed),
  ]);
  const head = ['variant', 'a second', 'spread', 'µs each', 'p50 ms', 'p99 ms', 'lost', 'failed'];
  const told = reached.map(
    ({ what, ratio, atLeast, reached: is }) =>
      `${is ? '✓' : '✗'} ${what}: ${ratio.median.toFixed(2)} × (${ratio.least.toFixed(2)} – ${ratio.most.toFixed(2)}), wanted ${atLeast} ×`,
  );
  return `${Object.values(on).join(', ')}\n\n${table([head, ...rows])}\n${told.join('\n')}\n`;
}

function rate(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
