import type { JobVerdict, QueuedJob } from '@penstock/runtime/webhook-consumer';
import { isBurialName } from '@penstock/runtime/job-names';
import type { Lane } from '@penstock/runtime/lanes';
import type { JobPlace } from '@penstock/runtime/webhook-queue';

/** A job, as BullMQ keeps it. */
export interface MemoryJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly lane: Lane;
  readonly place: Exclude<JobPlace, 'missing'>;
  /** Of those that wait in one lane, the smallest is next. */
  readonly turn: number;
  readonly attemptsMade: number;
  readonly stalls: number;
  /** When it comes back, where it is delayed; when its worker's time is up, where it is active. */
  readonly until: number;
  readonly token: string | null;
  readonly finishedAt: number | null;
  readonly reason: string;
}

/** A job taken, and what proves to the queue whose it is. */
export interface TakenJob {
  readonly job: QueuedJob;
  readonly token: string;
  /** The queue gave it up by itself, having stalled too often. */
  readonly abandoned: boolean;
}

/** BullMQ's jobs in memory: what Redis would hold, and what its scripts do with it, each at once and whole. */
export interface MemoryJobs {
  readonly get: (id: string) => MemoryJob | undefined;
  readonly all: () => readonly MemoryJob[];
  /** False where the id is taken. */
  readonly addNew: (job: Pick<MemoryJob, 'id' | 'name' | 'data' | 'lane'>) => boolean;
  readonly remove: (id: string) => void;
  /** A finished or dead job is put back to work, with all its attempts before it. */
  readonly retryFinished: (id: string) => void;
  readonly take: (token: string) => TakenJob | null;
  /** Does with a job what the verdict says; nothing where it is another's by now. */
  readonly settle: (taken: TakenJob, verdict: JobVerdict) => void;
  /** A worker that is alive says so for all its jobs. */
  readonly renew: (tokens: ReadonlySet<string>) => void;
  /** Gives up on workers that were silent for too long: their jobs are next. */
  readonly recoverStalled: () => void;
  /** What an append-only file would bring back. */
  readonly snapshot: () => readonly MemoryJob[];
  /** Everything is as it was then; nothing where it is empty. */
  readonly restore: (snapshot: readonly MemoryJob[]) => void;
}

const lanes = ['live', 'overflow', 'replay'] as const satisfies readonly Lane[];

/** As the consumer's own limit. */
const STALLS_MAX = 200;

export function createMemoryJobs(options: {
  readonly now: () => number;
  readonly lockMs: number;
  readonly completedKept: number;
}): MemoryJobs {
  const { now, lockMs } = options;
  const jobs = new Map<string, MemoryJob>();
  let lastTurn = 0;
  let firstTurn = 0;
  const change = (job: MemoryJob, fields: Partial<MemoryJob>): void => void jobs.set(job.id, { ...job, ...fields });
  const wait = (job: MemoryJob, fields: Partial<MemoryJob> = {}): void =>
    change(job, { place: 'waiting', turn: (lastTurn += 1), token: null, ...fields });

  const finish = (job: MemoryJob, place: 'completed' | 'failed', reason: string): void => {
    change(job, { place, token: null, finishedAt: now(), reason, attemptsMade: job.attemptsMade + 1 });
    const completed = [...jobs.values()]
      .filter((other) => other.place === 'completed')
      .toSorted((one, other) => (one.finishedAt ?? 0) - (other.finishedAt ?? 0));
    for (const old of completed.slice(0, Math.max(0, completed.length - options.completedKept))) jobs.delete(old.id);
  };

  return {
    get: (id) => jobs.get(id),
    all: () => [...jobs.values()],
    addNew: ({ id, name, data, lane }) => {
      if (jobs.has(id)) return false;
      const fresh = { attemptsMade: 0, stalls: 0, until: 0, token: null, finishedAt: null, reason: '' };
      jobs.set(id, { id, name, data, lane, place: 'waiting', turn: (lastTurn += 1), ...fresh });
      return true;
    },
    remove: (id) => {
      // A job in hand is locked.
      if (jobs.get(id)?.place !== 'active') jobs.delete(id);
    },
    retryFinished: (id) => {
      const job = jobs.get(id);
      if (job?.place === 'failed' || job?.place === 'completed')
        wait(job, { attemptsMade: 0, finishedAt: null, reason: '' });
    },
    take: (token) => {
      for (const job of jobs.values()) if (job.place === 'delayed' && job.until <= now()) wait(job);
      const waiting = [...jobs.values()].filter((job) => job.place === 'waiting');
      const [next] = waiting.toSorted(
        (one, other) => lanes.indexOf(one.lane) - lanes.indexOf(other.lane) || one.turn - other.turn,
      );
      if (next === undefined) return null;
      change(next, { place: 'active', token, until: now() + lockMs });
      const job: QueuedJob = {
        jobId: next.id,
        data: next.data,
        attempt: next.attemptsMade + 1,
        ...(next.stalls > 0 ? { stalls: next.stalls } : {}),
        ...(isBurialName(next.name) ? { buried: true } : {}),
        ...(next.lane === 'replay' ? { replayed: true } : {}),
      };
      return { job, token, abandoned: next.stalls > STALLS_MAX };
    },
    settle: ({ job: { jobId }, token }, verdict) => {
      const job = jobs.get(jobId);
      if (job?.token !== token) return;
      switch (verdict.kind) {
        case 'done':
          return finish(job, 'completed', '');
        case 'dead':
          return finish(job, 'failed', reasonOf(verdict.error));
        case 'retry': {
          const until = now() + verdict.delayMs;
          return change(job, { place: 'delayed', token: null, until, attemptsMade: job.attemptsMade + 1 });
        }
        case 'postpone':
          return change(job, { place: 'delayed', token: null, until: now() + verdict.delayMs });
        case 'release':
          return wait(job, { turn: (firstTurn -= 1) });
      }
    },
    renew: (tokens) => {
      for (const job of jobs.values())
        if (job.token !== null && tokens.has(job.token)) change(job, { until: now() + lockMs });
    },
    recoverStalled: () => {
      for (const job of jobs.values())
        if (job.place === 'active' && job.until < now())
          wait(job, { stalls: job.stalls + 1, turn: (firstTurn -= 1), lane: 'live' });
    },
    snapshot: () => [...jobs.values()],
    restore: (snapshot) => {
      jobs.clear();
      for (const job of snapshot) jobs.set(job.id, job);
    },
  };
}

function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unexpected_error';
  return `${code}: ${error.message}`;
}
