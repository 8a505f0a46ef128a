/**
 * What the capacity calculator reckons with; docs/SCALING.md shows the same.
 * Measured on two cores (bench/RESULTS.md), where load, queue and database share
 * them with what is measured: a machine of their own does more.
 */
export const measured = {
  /** Requests a second of one ingest at its greatest rate: `pnpm bench ingest`. */
  ingestPerSecond: 4_800,
  /** Events a second of one worker with its PostgreSQL: `pnpm bench worker`. */
  workerPerSecond: 2_100,
  /** Redis's memory for one waiting event, beside its body: `pnpm bench:bytes`. */
  queuedBytesBesideBody: 2_000,
  /** PostgreSQL's bytes for one stored event, tables and indexes, beside its body: `pnpm bench:bytes`. */
  storedBytesBesideBody: 2_750,
} as const;
