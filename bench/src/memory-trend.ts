import { summary } from './statistics.ts';

/** Resident memory at one moment. */
export interface Sample {
  readonly atMinutes: number;
  readonly mib: number;
}

/** What a process' memory did after its warm-up. */
export interface MemoryTrend {
  readonly start: number;
  readonly median: number;
  readonly most: number;
  /** Of the straight line that fits best. */
  readonly mibPerHour: number;
  /** Medians of the sixths of the time, so that a garbage collector's saw-teeth say nothing. */
  readonly parts: readonly number[];
}

/** The share of the samples that is warm-up: code is compiled, connections are opened, buffers grow. */
const WARM_UP_SHARE = 0.1;

const PARTS = 6;

/** How far a part's median may be from the whole's. */
const FLAT_WITHIN = 0.1;

/** Reads the trend of samples in their order. */
export function memoryOf(samples: readonly Sample[]): MemoryTrend {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  const values = warm.map(({ mib }) => mib);
  const { median, most } = summary(values);
  const parts = Array.from({ length: PARTS }, (_, part) =>
    values.slice(Math.floor((part * values.length) / PARTS), Math.floor(((part + 1) * values.length) / PARTS)),
  );
  return {
    start: values[0] ?? 0,
    median,
    most,
    mibPerHour: slopeOf(warm) * 60,
    parts: parts.filter((part) => part.length > 0).map((part) => summary(part).median),
  };
}

export function isFlat({ median, parts }: MemoryTrend): boolean {
  return parts.every((part) => Math.abs(part - median) <= median * FLAT_WITHIN);
}

/** Least squares, in MiB a minute; 0 where there are not two moments. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (read: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + read(sample), 0) / Math.max(1, samples.length);
  const middle = { atMinutes: mean(({ atMinutes }) => atMinutes), mib: mean(({ mib }) => mib) };
  const spread = samples.reduce((sum, { atMinutes }) => sum + (atMinutes - middle.atMinutes) ** 2, 0);
  const together = samples.reduce(
    (sum, { atMinutes, mib }) => sum + (atMinutes - middle.atMinutes) * (mib - middle.mib),
    0,
  );
  return spread === 0 ? 0 : together / spread;
}
