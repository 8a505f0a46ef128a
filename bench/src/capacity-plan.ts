import { measured } from './measured.ts';

/** What is to be received. */
export interface Demand {
  readonly eventsPerDay: number;
  /** How much busier the busiest second is than the average one. */
  readonly peakFactor: number;
  readonly bodyBytes: number;
  /** How long workers or database may be away while everything waits in the queue, at the average rate. */
  readonly outageHours: number;
  /** How long bodies are kept; null for ever. */
  readonly retentionDays: number | null;
  /** What handlers wait for others, for one event. */
  readonly handlerMs: number;
}

/** What that takes. */
export interface Plan {
  readonly averagePerSecond: number;
  readonly peakPerSecond: number;
  readonly ingestProcesses: number;
  readonly workerProcesses: number;
  /** Connections of each worker to PostgreSQL, so that waiting handlers run side by side. */
  readonly connectionsPerWorker: number;
  readonly queueShards: number;
  /** Redis's memory at the end of such an outage. */
  readonly queueBytes: number;
  readonly storedBytesPerDay: number;
  /** With the retention; null where nothing is ever taken away. */
  readonly storedBytes: number | null;
  /** Whether one PostgreSQL of the size measured writes as much. */
  readonly needsMoreDatabase: boolean;
}

/** Of what was measured, how much is planned with: the rest is for a process that is away, and for a bad minute. */
const HEADROOM = 0.5;

/** One that is away must not be the only one. */
const PROCESSES_MIN = 2;

/** BullMQ's scripts run one at a time in a Redis: some 26 µs to add an event, 70 to 105 to take and finish it (`bullmq-alone`). */
const SHARD_PER_SECOND = 8_000;

const CONNECTIONS_MIN = 4;
const CONNECTIONS_MAX = 50;
const DAY_SECONDS = 86_400;

/** Reckons what a demand takes, from what was measured. */
export function planCapacity(demand: Demand): Plan {
  const averagePerSecond = demand.eventsPerDay / DAY_SECONDS;
  const peakPerSecond = averagePerSecond * demand.peakFactor;
  const workerProcesses = processes(peakPerSecond, measured.workerPerSecond);
  const waiting = (peakPerSecond / workerProcesses) * (demand.handlerMs / 1_000);
  const storedBytesPerDay = demand.eventsPerDay * (demand.bodyBytes + measured.storedBytesBesideBody);
  return {
    averagePerSecond,
    peakPerSecond,
    ingestProcesses: processes(peakPerSecond, measured.ingestPerSecond),
    workerProcesses,
    connectionsPerWorker: Math.min(CONNECTIONS_MAX, Math.max(CONNECTIONS_MIN, Math.ceil(waiting / HEADROOM) + 1)),
    queueShards: Math.max(1, Math.ceil(peakPerSecond / (SHARD_PER_SECOND * HEADROOM))),
    queueBytes: averagePerSecond * demand.outageHours * 3_600 * (demand.bodyBytes + measured.queuedBytesBesideBody),
    storedBytesPerDay,
    storedBytes: demand.retentionDays === null ? null : storedBytesPerDay * demand.retentionDays,
    needsMoreDatabase: peakPerSecond > measured.workerPerSecond * HEADROOM,
  };
}

function processes(perSecond: number, perProcess: number): number {
  return Math.max(PROCESSES_MIN, Math.ceil(perSecond / (perProcess * HEADROOM)));
}
