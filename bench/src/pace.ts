import { ratios } from './statistics.ts';

/** Genuine p99 under the storm stays within so many times of calm. */
export const RATIO_MAX = 3;

/** The p99 of genuine events in one measurement. Those of one variant and storm stand in the order of their rounds. */
export interface Pace {
  readonly variant: string;
  /** Forged requests a second; 0 is calm. */
  readonly storm: number;
  readonly p99: number;
}

/** The median ratio of p99 under a storm to calm in the same round: what else the machine does changes by the minute. */
export function ratioToCalm(paces: readonly Pace[], { variant, storm }: Omit<Pace, 'p99'>): number {
  const under = (wanted: number): readonly number[] =>
    paces.filter((pace) => pace.variant === variant && pace.storm === wanted).map(({ p99 }) => p99);
  return ratios(under(storm), under(0)).median;
}

/** A variant whose genuine events did not keep their pace. */
export type Slowed = Omit<Pace, 'p99'> & { readonly ratio: number };

/** The variants that are beyond `RATIO_MAX` under the largest storm; one whose ratio is no number is beyond it. */
export function slowedAtWorst(paces: readonly Pace[]): readonly Slowed[] {
  const storm = Math.max(0, ...paces.map((pace) => pace.storm));
  return [...new Set(paces.map(({ variant }) => variant))]
    .map((variant) => ({ variant, storm, ratio: ratioToCalm(paces, { variant, storm }) }))
    .filter(({ ratio }) => !(ratio <= RATIO_MAX));
}
