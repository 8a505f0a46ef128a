import {
  DelayedError,
  UnrecoverableError,
  WaitingError,
  createPostgresBackend,
  type Job,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
  type RedisQueueBackend,
  type WorkerOptions,
} from 'bullmq';
import { PermanentError, toError, toFailure } from '@penstock/core/failure';
import { OUTAGE_DELAY_MS, retryDelay, usualPace } from '@penstock/core/retry-policy';
import { openDelivery, openWherePossible } from '@penstock/core/sealed-delivery';
import { openQueuePool } from './queue-pool.ts';
import { boundBytes } from './bytes-in-hand.ts';
import { CountingWorker } from './counting-worker.ts';
import { isBurialName } from './job-names.ts';
import type { QueueLocation } from './queue-location.ts';
import { isReplayed } from './lanes.ts';
import { keyPrefix } from './redis-address.ts';
import { openRedisWorkers, type QueueWorkers } from './redis-workers.ts';

/** A job in hand. */
export interface QueuedJob {
  readonly jobId: string;
  /** Not yet parsed: another version may have written it. */
  readonly data: unknown;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** How many workers died or fell silent with it in hand; absent where none did. */
  readonly stalls?: number;
  /** True for a job that was made only to stand in the failed set: the ledger calls its event dead. */
  readonly buried?: true;
  /** True for a job that a replay made: its event has ended before. */
  readonly replayed?: true;
}

/** What the queue is to do with a job after an attempt. */
export type JobVerdict =
  | { readonly kind: 'done'; readonly outcome: string }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: Error }
  | { readonly kind: 'dead'; readonly error: Error }
  /** Not this event's fault: it comes back without having used an attempt. */
  | { readonly kind: 'postpone'; readonly delayMs: number }
  /** Nothing of it was begun: whoever takes jobs may have it at once, and it has not used an attempt. */
  | { readonly kind: 'release' };

export interface ConsumerOptions {
  readonly location: QueueLocation;
  readonly concurrency: number;
  /** A job whose worker has been silent for this long is another worker's. */
  readonly lockMs: number;
  /** What the jobs in hand may hold together, in characters; 64 Mi unless said otherwise. */
  readonly bytesMax?: number;
  readonly attempt: (job: QueuedJob) => Promise<JobVerdict>;
  /** A job that the queue gave up on by itself, having stalled too often. */
  readonly onAbandoned: (job: QueuedJob, reason: string) => Promise<void>;
  readonly onError: (error: Error) => void;
}

type PostgresWorker = CountingWorker<PostgresQueueBackend, PostgresConnectionOptions>;

/**
 * How often a job may lose its worker before the queue gives up on it by itself. Whoever counts crashes is done long before, if
 * it is the job's fault; if not, workers that end again and again for an hour condemn nothing.
 */
const STALLS_MAX = 200;

/** Six of the largest bodies; of usual ones, many times what is in hand. Reading one takes some times of it. */
const BYTES_IN_HAND_MAX = 64 * 1_024 * 1_024;

/** What BullMQ says of a job that it gave up on by itself; it has no code for it. */
const STALLED_TOO_OFTEN = 'job stalled more than allowable limit';

/** A retry with the delay that the policy chose for it. */
class RetryLater extends Error {
  override name = 'RetryLater';
  readonly delayMs: number;
  constructor(cause: Error, delayMs: number) {
    super(toFailure(cause).message, { cause });
    this.delayMs = delayMs;
  }
}

/** What the queue keeps of a failure and the board shows: masked, as the ledger has it. */
function reasonOf(error: Error): string {
  const { code, message } = toFailure(error);
  return `${code}: ${message}`;
}

/**
 * Takes jobs and does with each what the verdict says. Closing stops the
 * intake and waits for the jobs in hand.
 */
export function consumeWebhooks(options: ConsumerOptions): AsyncDisposable & { readonly ready: () => Promise<void> } {
  const keys = options.location.payloadKeys ?? null;
  const inHand = boundBytes<Job<unknown, string>>({
    bytesMax: options.bytesMax ?? BYTES_IN_HAND_MAX,
    // One at a time goes on: what is too large for all is not too large for one.
    take: (more) => workers.setConcurrency(more ? options.concurrency : 1),
  });
  const take: Take = async (job, token) => {
    try {
      return await work(job, token);
    } finally {
      inHand.letGo(job);
    }
  };
  const work: Take = async (job, token) => {
    const attempt = job.attemptsMade + 1;
    const postpone = async (delayMs: number): Promise<never> => {
      await job.moveToDelayed(Date.now() + delayMs, token);
      throw new DelayedError();
    };
    let data: unknown;
    try {
      data = openDelivery(job.data, keys);
    } catch (error) {
      options.onError(toError(error));
      if (!(error instanceof PermanentError && error.code === 'payload_key_unknown'))
        throw new UnrecoverableError(reasonOf(toError(error)));
      // The configuration is at fault, not the event: it waits until the key is there.
      return postpone(OUTAGE_DELAY_MS);
    }
    const taken: QueuedJob = {
      jobId: job.id ?? '',
      data,
      attempt,
      ...(job.stalledCounter > 0 ? { stalls: job.stalledCounter } : {}),
      ...(isBurial(job) ? { buried: true } : {}),
      ...replayedOf(job),
    };
    const verdict = await options.attempt(taken).catch((error: unknown) => {
      // Nobody could decide what follows: the usual number of attempts, and then it is given up.
      if (attempt > usualPace.retries) throw new UnrecoverableError(toFailure(error).message);
      throw error;
    });
    switch (verdict.kind) {
      case 'done':
        return verdict.outcome;
      case 'retry':
        throw new RetryLater(verdict.error, verdict.delayMs);
      case 'dead':
        throw new UnrecoverableError(reasonOf(verdict.error));
      case 'postpone':
        return postpone(verdict.delayMs);
      case 'release':
        await job.moveToWait(token);
        throw new WaitingError();
    }
  };

  const common = {
    concurrency: options.concurrency,
    lockDuration: options.lockMs,
    stalledInterval: options.lockMs,
    maxStalledCount: STALLS_MAX,
    drainDelay: 5,
    runRetryDelay: 1_000,
    settings: {
      backoffStrategy: (
        attemptsMade: number,
        _type?: string,
        error?: Error,
        job?: { readonly id?: string | undefined },
      ) =>
        error instanceof RetryLater
          ? error.delayMs
          : retryDelay({ attempt: attemptsMade, seed: job?.id ?? '' }).delayMs,
    },
  };
  const attend = <Opened extends CountingWorker | PostgresWorker>(worker: Opened): Opened => {
    worker.onTaken = inHand.hold;
    worker.on('error', options.onError);
    worker.on('failed', (job, error) => {
      if (job === undefined || error instanceof RetryLater || error.message !== STALLED_TOO_OFTEN) return;
      const data = openWherePossible(job.data, keys);
      options
        .onAbandoned({ jobId: job.id ?? '', data, attempt: job.attemptsMade, ...replayedOf(job) }, error.message)
        .catch(options.onError);
    });
    return worker;
  };
  const { location } = options;
  const workers: QueueWorkers =
    location.backend === 'redis'
      ? openRedisWorkers(location, {
          concurrency: options.concurrency,
          onError: options.onError,
          start: (shard, { redis, concurrency }) =>
            attend(
              new CountingWorker<RedisQueueBackend>(shard.name, take, {
                ...common,
                concurrency,
                connection: redis,
                prefix: keyPrefix(shard),
              }),
            ),
        })
      : openPostgresWorker(location, { take, common, attend });
  return { ready: workers.ready, [Symbol.asyncDispose]: workers.close };
}

/**
 * Whether a job only wants to fail. It does so once: put back to work after
 * that, by the provider that sends the event again or by hand, it is worked on.
 */
function isBurial(job: Job<unknown, string>): boolean {
  return isBurialName(job.name) && job.attemptsStarted - job.stalledCounter <= 1;
}

function replayedOf(job: Job<unknown, string>): { readonly replayed?: true } {
  return isReplayed(job.priority) ? { replayed: true } : {};
}

type Take = (job: Job<unknown, string>, token?: string) => Promise<string>;
type CommonOptions = Omit<WorkerOptions, 'connection'> & { readonly concurrency: number };

function openPostgresWorker(
  location: QueueLocation,
  {
    take,
    common,
    attend,
  }: {
    readonly take: Take;
    readonly common: CommonOptions;
    readonly attend: (worker: PostgresWorker) => PostgresWorker;
  },
): QueueWorkers {
  // Each job in hand renews its lock and finishes over the pool; ten connections serve many jobs.
  const pool = openQueuePool({
    url: location.url,
    max: Math.min(common.concurrency, 10) + 2,
    applicationName: 'penstock-worker-queue',
    mayForget: true,
  });
  const worker: PostgresWorker = attend(
    new CountingWorker<PostgresQueueBackend, PostgresConnectionOptions>(
      location.name,
      take,
      { ...common, connection: pool },
      createPostgresBackend,
    ),
  );
  return {
    ready: async () => void (await worker.waitUntilReady()),
    setConcurrency: (concurrency) => {
      worker.concurrency = concurrency;
    },
    close: async () => {
      await worker.close();
      await pool.end();
    },
  };
}
