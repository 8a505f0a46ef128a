import type { Delivery } from '@penstock/core/delivery';
import type { LedgerTransaction } from '@penstock/db/database';
import { startIngest, startWorker, type FleetWorld, type SimulatedWorker } from './fleet.ts';
import type { Lawful } from './laws.ts';
import { createMemoryJobs, type MemoryJob } from './memory-jobs.ts';
import { openMemoryQueue } from './memory-queue.ts';
import { openMemoryStore, StoreAway } from './memory-store.ts';
import { createMemoryTables } from './memory-tables.ts';
import { plant, type Mutant } from './mutants.ts';
import { createProviderLife } from './provider-life.ts';
import type { Random } from './random.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';

/** Three, so that two can want what the third has in hand. */
const WORKERS = 3;
const LOCK_MS = 3_000;

/** Most events of an episode: laws are looked at after every step, over all of them. */
const EVENTS_MAX = 40;

/** A fleet with its ledger and queue, and everything that can happen to it. */
export interface Chaos {
  readonly scheduler: Scheduler;
  readonly lawful: Lawful;
  readonly workers: readonly SimulatedWorker[];
  /** What no process may do, and one did. */
  readonly faults: readonly string[];
  readonly actions: readonly Action[];
  /** Puts a new process in the place of every dead one. */
  readonly restart: () => void;
  /** Moves the clock; workers that are alive renew their locks, unless they happen to be silent. */
  readonly pass: (milliseconds: number) => Promise<void>;
  /** From now on handlers succeed and workers are never silent. */
  readonly calmDown: () => void;
}

export interface Action {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  readonly act: () => unknown;
}

export interface ChaosOptions {
  readonly handlerTx: LedgerTransaction;
  readonly mutant?: Mutant;
}

export function createChaos(random: Random, options: ChaosOptions): Chaos {
  const scheduler = createScheduler(random, Date.UTC(2026, 0, 1));
  const tables = plant(createMemoryTables(), options.mutant);
  const jobs = createMemoryJobs({ now: scheduler.now, lockMs: LOCK_MS, completedKept: 5 });
  const acknowledged = new Map<string, Delivery>();
  const faults: string[] = [];
  let isCalm = false;
  let losses = 0;

  const world: FleetWorld = {
    scheduler,
    tables,
    jobs,
    handlerTx: options.handlerTx,
    fate: () => {
      if (isCalm || random.chance(0.7)) return 'done';
      return random.pick(['transient', 'transient', 'permanent', 'hang'] as const) ?? 'done';
    },
    onFault: (fault) => faults.push(fault),
  };
  const ingestWorld = {
    scheduler,
    jobs,
    losses: () => losses,
    acknowledge: (delivery: Delivery, lossesBefore: number): void => {
      // What was being added while the queue lost what it knew may be lost as well.
      if (losses === lossesBefore) acknowledged.set(`${delivery.eventId} ${delivery.bodySha256}`, delivery);
    },
    acknowledgesFirst: options.mutant === 'acknowledge-first',
  };
  let started = 0;
  const workers: SimulatedWorker[] = Array.from({ length: WORKERS }, () => startWorker(`w${(started += 1)}`, world));
  let ingest = startIngest(`i${(started += 1)}`, ingestWorld);

  const restart = (): void => {
    for (const [index, worker] of workers.entries())
      if (!worker.process.isAlive) workers[index] = startWorker(`w${(started += 1)}`, world);
    if (!ingest.process.isAlive) ingest = startIngest(`i${(started += 1)}`, ingestWorld);
  };
  const pass = async (milliseconds: number): Promise<void> => {
    const heard = workers.flatMap((worker) => (isCalm || random.chance(0.9) ? [...worker.tokens] : []));
    await scheduler.pass(milliseconds);
    jobs.renew(new Set(heard));
    jobs.recoverStalled();
  };
  /** What only the queue knew is gone with it, and nobody can be blamed. */
  const loseTheQueue = (left: readonly MemoryJob[]): void => {
    jobs.restore(left);
    losses += 1;
    const { ledger, collisions } = tables.committed;
    const judged = new Set([...collisions.values()].map(({ bodySha256 }) => bodySha256));
    for (const [key, { account, eventId, bodySha256 }] of acknowledged)
      if (!ledger.has(`${account} ${eventId}`) && !judged.has(bodySha256)) acknowledged.delete(key);
  };
  const atWorkers: readonly Action[] = [
    { name: 'a job taken', weight: 120, act: () => random.pick(workers)?.take() },
    { name: 'a sweep', weight: options.mutant === 'no-sweeper' ? 0 : 15, act: () => random.pick(workers)?.sweep() },
    { name: 'a worker killed', weight: 5, act: () => random.pick(workers)?.crash() },
    { name: 'ingest killed', weight: 2, act: () => scheduler.kill(ingest.process) },
    { name: 'time', weight: 60, act: () => pass(1 + random.below(random.chance(0.3) ? 20_000 : 1_000)) },
    { name: 'an effect', weight: 700, act: () => scheduler.advance(null) },
    { name: 'an outage', weight: 6, act: () => scheduler.advance(away) },
  ];
  return {
    scheduler,
    lawful: { tables, jobs, acknowledged },
    workers,
    faults,
    restart,
    pass,
    calmDown: () => (isCalm = true),
    actions: [
      ...atWorkers,
      ...sending(random, { scheduler, receive: (delivery) => ingest.receive(delivery) }),
      ...atTheQueue(random, { jobs, loseTheQueue }),
      { name: 'a replay', weight: 4, act: startOperator(random, world) },
    ],
  };
}

/** The store is away; what the queue is asked is not. */
function away(effect: string): Error | null {
  return /^(add|get|remove|retry|settle)/.test(effect) ? null : new StoreAway('the store is away');
}

function sending(
  random: Random,
  world: { readonly scheduler: Scheduler; readonly receive: (delivery: Delivery) => void },
): readonly Action[] {
  const provider = createProviderLife(random, world.scheduler.now);
  let sent = 0;
  const send = (delivery: Delivery | null): void => {
    if (delivery === null || sent >= EVENTS_MAX) return;
    sent += 1;
    world.receive(delivery);
  };
  return [
    { name: 'an event sent', weight: 30, act: () => send(provider.fresh()) },
    { name: 'a repetition', weight: 12, act: () => send(provider.repetition()) },
    { name: 'a collision', weight: 4, act: () => send(provider.collision()) },
    { name: 'a forgery', weight: 4, act: () => send(provider.forgery()) },
  ];
}

function atTheQueue(
  random: Random,
  world: Pick<FleetWorld, 'jobs'> & { readonly loseTheQueue: (left: readonly MemoryJob[]) => void },
): readonly Action[] {
  const snapshots: (readonly MemoryJob[])[] = [];
  return [
    { name: 'a snapshot', weight: 3, act: () => void snapshots.push(world.jobs.snapshot()) },
    {
      name: 'an older queue',
      weight: 2,
      act: () => {
        const older = random.pick(snapshots);
        if (older !== undefined) world.loseTheQueue(older);
      },
    },
    { name: 'a flush', weight: 1, act: () => world.loseTheQueue([]) },
  ];
}

/** Somebody who has a dead event tried again. */
function startOperator(random: Random, world: FleetWorld): () => void {
  const { scheduler, tables, jobs, handlerTx } = world;
  const process = { name: 'operator', isAlive: true };
  const effect = (what: string): Promise<void> => scheduler.turn(process, what);
  const store = openMemoryStore(tables, { now: () => new Date(scheduler.now()), effect, handlerTx });
  const queue = openMemoryQueue(jobs, effect);
  const replay = async (ledgerId: number): Promise<void> => {
    const delivery = await store.deliveryOfStoredEvent(ledgerId, '00000000-0000-4000-a000-000000000000');
    await queue.recreate(delivery, { lane: 'replay' });
  };
  return () => {
    const dead = random.pick([...tables.committed.ledger.values()].filter(({ state }) => state === 'dead'));
    if (dead !== undefined)
      replay(dead.id).catch((error: unknown) => {
        if (!(error instanceof StoreAway)) world.onFault(`operator: ${String(error)}`);
      });
  };
}
