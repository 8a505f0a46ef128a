import type { Delivery } from '@penstock/core/delivery';
import { PermanentError, TransientError } from '@penstock/core/failure';
import { providerNamed } from '@penstock/core/providers/registry';
import { on } from '@penstock/db/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import type { ProcessWorld } from '@penstock/worker/process-webhook';
import type { SuspectWorld } from '@penstock/worker/process-suspect';
import { sweep } from '@penstock/worker/sweep';
import { openTaker } from '@penstock/worker/take-job';
import type { MemoryJobs } from './memory-jobs.ts';
import { openMemoryQueue } from './memory-queue.ts';
import { openMemoryStore, StoreAway } from './memory-store.ts';
import type { MemoryTables } from './memory-tables.ts';
import { isPoison } from './provider-life.ts';
import type { Scheduler, SimulatedProcess } from './scheduler.ts';

/** How a handler ends this time. */
export type HandlerFate = 'done' | 'transient' | 'permanent' | 'hang';

/** What the processes of the fleet run on. */
export interface FleetWorld {
  readonly scheduler: Scheduler;
  readonly tables: MemoryTables;
  readonly jobs: MemoryJobs;
  readonly handlerTx: LedgerTransaction;
  readonly fate: () => HandlerFate;
  /** Told of what no process may do: throw where nobody expects it. */
  readonly onFault: (fault: string) => void;
}

export const HANDLERS = ['count', 'notify'] as const;
export const CRASHES_MAX = 3;
export const SWEEP_GRACE_MS = 5_000;
const CONCURRENCY = 3;

/** A worker process: what it has in hand, and how it ends. */
export interface SimulatedWorker {
  readonly process: SimulatedProcess;
  /** Takes a job, where it may take one more and there is one. */
  readonly take: () => boolean;
  readonly sweep: () => void;
  /** What proves to the queue whose its jobs are. */
  readonly tokens: ReadonlySet<string>;
  readonly isSweeping: () => boolean;
  readonly crash: () => void;
}

/** A worker as `worker.ts` wires it, on a ledger and a queue in memory. */
export function startWorker(name: string, world: FleetWorld): SimulatedWorker {
  const { scheduler, tables, jobs } = world;
  const process: SimulatedProcess = { name, isAlive: true };
  const effect = (what: string): Promise<void> => scheduler.turn(process, what);
  const now = (): Date => new Date(scheduler.now());
  const store = openMemoryStore(tables, { now, effect, handlerTx: world.handlerTx });
  const queue = openMemoryQueue(jobs, effect);
  const tokens = new Set<string>();
  let taken = 0;
  let ids = 0;
  let isSweeping = false;

  const crash = (): void => {
    scheduler.kill(process);
    store.abandon();
    tokens.clear();
    scheduler.tell(`${name} dies`);
  };
  const suspectWorld: SuspectWorld = {
    store,
    crashesMax: CRASHES_MAX,
    workerName: name,
    handlers: HANDLERS.map((handler) => simulatedHandler(handler, { fate: world.fate, crash })),
    destinations: new Map(),
    endpoints: new Map(),
    provider: providerNamed,
    handlerMs: 1_000,
    handlerLog: () => silent,
    now,
    putBack: queue.recreate,
    elapsedMs: () => scheduler.now(),
    after: (milliseconds, ring) => scheduler.after(process, milliseconds, ring),
  };
  const taker = openTaker(suspectWorld);

  const work = async (token: string): Promise<void> => {
    const job = jobs.take(token);
    if (job === null) return;
    tokens.add(token);
    scheduler.tell(`${name} takes ${job.job.jobId}`);
    try {
      if (job.abandoned) {
        jobs.settle(job, { kind: 'dead', error: new Error('job stalled more than allowable limit') });
        await taker.bury(job.job, 'job stalled more than allowable limit');
        return;
      }
      const { verdict } = await taker.take(job.job);
      await effect(`settle ${verdict.kind}`);
      jobs.settle(job, verdict);
    } catch (error) {
      if (!(error instanceof StoreAway)) world.onFault(`${name}: ${String(error)}`);
    } finally {
      tokens.delete(token);
    }
  };

  return {
    process,
    tokens,
    crash,
    isSweeping: () => isSweeping,
    take: () => {
      if (tokens.size >= CONCURRENCY) return false;
      void work(`${name}#${(taken += 1)}`);
      return true;
    },
    sweep: () => {
      if (isSweeping) return;
      isSweeping = true;
      scheduler.tell(`${name} sweeps`);
      const newId = (): string => sweepId(name, (ids += 1));
      sweep({ store, queue, now, newId, graceMs: SWEEP_GRACE_MS })
        .then((swept) => {
          for (const { jobId, failure } of swept?.failures ?? [])
            world.onFault(`${name} sweeping ${jobId}: ${failure.message}`);
        })
        .catch((error: unknown) => {
          if (!(error instanceof StoreAway)) world.onFault(`${name} sweeping: ${String(error)}`);
        })
        .finally(() => {
          isSweeping = false;
        });
    },
  };
}

/** Writes its effect and then ends as fate will have it, so that a failure has something to take back. */
function simulatedHandler(
  name: string,
  given: { readonly fate: () => HandlerFate; readonly crash: () => void },
): ProcessWorld['handlers'][number] {
  return on('*', name, async ({ event, outbox }) => {
    await outbox({ topic: name, key: event.id, payload: null });
    if (isPoison(event.id)) {
      given.crash();
      await new Promise(() => undefined);
    }
    switch (given.fate()) {
      case 'done':
        return;
      case 'transient':
        throw new TransientError('handler_failed', 'not this time');
      case 'permanent':
        throw new PermanentError('handler_refused', 'never');
      case 'hang':
        await new Promise(() => undefined);
    }
  });
}

/** Takes in what a provider sends: enqueues, and only then acknowledges. */
export function startIngest(
  name: string,
  world: Pick<FleetWorld, 'scheduler' | 'jobs'> & {
    readonly acknowledge: (delivery: Delivery, lossesBefore: number) => void;
    readonly losses: () => number;
    readonly acknowledgesFirst: boolean;
  },
): { readonly process: SimulatedProcess; readonly receive: (delivery: Delivery) => void } {
  const process: SimulatedProcess = { name, isAlive: true };
  const queue = openMemoryQueue(world.jobs, (what) => world.scheduler.turn(process, what));
  return {
    process,
    receive: (delivery) => {
      world.scheduler.tell(`${name} receives ${delivery.eventId}`);
      const losses = world.losses();
      if (world.acknowledgesFirst) world.acknowledge(delivery, losses);
      queue
        .add([delivery])
        .then(() => world.acknowledge(delivery, losses))
        // The provider has no answer, and sends it again or does not.
        .catch(() => undefined);
    },
  };
}

function sweepId(worker: string, number: number): string {
  const digits = Number(worker.replace(/\D/g, ''));
  return `00000000-0000-4000-9000-${(digits * 1_000_000 + number).toString(16).padStart(12, '0')}`;
}

const nothing = (): void => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
