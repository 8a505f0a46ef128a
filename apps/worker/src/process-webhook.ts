import { decodeBody, parseDelivery, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toError, toFailure, TransientError, type Failure } from '@penstock/core/failure';
import type { Handler } from '@penstock/core/handler';
import type { ProcessOutcome } from '@penstock/core/outcome';
import type { KeyedFact } from '@penstock/core/payment';
import type { Provider } from '@penstock/core/provider';
import { decideRetry, type RetryDecision } from '@penstock/core/retry-policy';
import { applyFacts } from '@penstock/db/apply-facts';
import { recordAttempt } from '@penstock/db/attempts';
import { recordCollision } from '@penstock/db/collisions';
import { isDatabaseOutage, type LedgerDatabase, type LedgerTransaction } from '@penstock/db/database';
import { storedBody, storeEvent } from '@penstock/db/events';
import { enterLedger, finishLedger, recordDeath, recordFailure } from '@penstock/db/ledger';
import { findTransmission } from '@penstock/db/transmissions';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import { confirmDelivery, factsOf, waitForService, type WorkerEndpoint } from './confirm-delivery.ts';
import { runHandlers } from './run-handlers.ts';
import { keepDelivery, storeDelivery } from './store-delivery.ts';

/** What processing needs of the world. */
export interface ProcessWorld {
  readonly db: LedgerDatabase;
  readonly provider: (id: string) => Provider | undefined;
  /** By name. */
  readonly endpoints: ReadonlyMap<string, WorkerEndpoint>;
  readonly handlers: readonly Handler<LedgerTransaction>[];
  readonly handlerMs: number;
  readonly now: () => Date;
  /** Told after each step; where a test ends the process. */
  readonly onStep?: (step: ProcessStep) => void;
}

export const processSteps = [
  'parsed',
  'confirmed',
  'entered',
  'stored',
  'folded',
  'handled',
  'finished',
  'committed',
] as const;
export type ProcessStep = (typeof processSteps)[number];

/** What became of one attempt at one job. */
export type Processed =
  | { readonly kind: 'ended'; readonly outcome: Exclude<ProcessOutcome, 'dead'>; readonly delivery: Delivery }
  | {
      readonly kind: 'failed';
      readonly delivery: Delivery;
      readonly failure: Failure;
      readonly next: RetryDecision;
      readonly error: Error;
    }
  /** Not a delivery at all: there is nothing to enter into the ledger, it stays in the failed set. */
  | { readonly kind: 'unreadable'; readonly failure: Failure; readonly error: Error }
  /** The provider's API is away: the event is stored and waits, and loses no attempt. */
  | { readonly kind: 'unconfirmed'; readonly delivery: Delivery; readonly failure: Failure; readonly delayMs: number }
  /** The database is away; the event is not at fault and loses no attempt. */
  | { readonly kind: 'outage'; readonly failure: Failure };

/**
 * One webhook, from the queue to its effects: take, confirm where its signature
 * proves too little, then store, fold, handle and finish in one transaction. What commits is all of it or none of it, so a
 * crash at any point leaves either nothing or everything, and the queue hands
 * the job to another worker, which finds out which.
 */
export async function processWebhook(job: QueuedJob, world: ProcessWorld): Promise<Processed> {
  const started = performance.now();
  let delivery: Delivery;
  try {
    delivery = parseDelivery(job.data);
  } catch (thrown) {
    return { kind: 'unreadable', failure: toFailure(thrown), error: toError(thrown) };
  }
  world.onStep?.('parsed');

  try {
    const provider = world.provider(delivery.provider);
    if (provider === undefined)
      throw new PermanentError('provider_unknown', `this version has no provider named ${delivery.provider}`);
    const answer = await confirmDelivery(delivery, provider, world);
    world.onStep?.('confirmed');
    const proven: ProvenDelivery = { delivery, provider, answer };
    const outcome = await world.db.transaction().execute((tx) => applyDelivery(tx, proven, world));
    world.onStep?.('committed');
    return { kind: 'ended', outcome, delivery };
  } catch (thrown) {
    const failure = toFailure(thrown);
    if (isDatabaseOutage(thrown)) return { kind: 'outage', failure };
    const delayMs = waitForService(thrown, { receivedAt: new Date(delivery.receivedAt), now: world.now() });
    if (delayMs !== null)
      return (await keep(world.db, delivery)) === 'outage'
        ? { kind: 'outage', failure }
        : { kind: 'unconfirmed', delivery, failure, delayMs };
    const next = decideRetry({ failure, attempt: job.attempt, seed: job.jobId });
    const attempt = { delivery, failure, next, number: job.attempt, durationMs: performance.now() - started };
    const recorded = await recordFailedAttempt(world.db, attempt);
    return recorded === 'outage'
      ? { kind: 'outage', failure }
      : { kind: 'failed', delivery, failure, next, error: toError(thrown) };
  }
}

/** A delivery with what its provider's API said of it; null where it was not asked. */
interface ProvenDelivery {
  readonly delivery: Delivery;
  readonly provider: Provider;
  readonly answer: Buffer | null;
}

async function applyDelivery(
  tx: LedgerTransaction,
  { delivery, provider, answer }: ProvenDelivery,
  world: ProcessWorld,
): Promise<Exclude<ProcessOutcome, 'dead'>> {
  const forgery = await findForgery(tx, delivery);
  if (forgery !== undefined) {
    await recordCollision(tx, { ledgerId: forgery.ledgerId, kind: 'transmission_id', delivery });
    return 'collision';
  }

  const entry = await enterLedger(tx, delivery);
  world.onStep?.('entered');
  if (entry.bodySha256 !== delivery.bodySha256) {
    if (provider.statesSameEvent(await storedBody(tx, entry.id), decodeBody(delivery.body))) return 'duplicate';
    await recordCollision(tx, { ledgerId: entry.id, kind: 'event_id', delivery });
    return 'collision';
  }
  if (entry.state === 'processed' || entry.state === 'ignored') return 'duplicate';

  await storeDelivery(tx, delivery, entry.id);
  world.onStep?.('stored');
  if (delivery.shape === 'malformed')
    throw new PermanentError(
      'malformed_event',
      delivery.malformedReason ?? 'the body is not an event of this provider',
    );

  const settings = world.endpoints.get(delivery.endpoint)?.settings;
  const facts = factsOf(delivery, { provider, settings, answer });
  if (facts.length > 0) {
    const keyed: KeyedFact[] = facts.map((fact, ordinal) => ({ eventId: delivery.eventId, ordinal, fact }));
    await applyFacts(tx, { eventId: entry.id, account: delivery.account, provider: delivery.provider, facts: keyed });
  }
  world.onStep?.('folded');

  const handled = await runHandlers(tx, { delivery, ledgerId: entry.id, facts, answer }, world);
  world.onStep?.('handled');

  const state = facts.length > 0 || handled > 0 ? 'processed' : 'ignored';
  await finishLedger(tx, entry.id, state);
  world.onStep?.('finished');
  return state;
}

/** A transmission id that is bound to another body: somebody has its headers, but this is not what was signed. */
async function findForgery(tx: LedgerTransaction, delivery: Delivery) {
  if (delivery.transmissionId === null) return undefined;
  const bound = await findTransmission(tx, { account: delivery.account, transmissionId: delivery.transmissionId });
  return bound !== undefined && bound.bodySha256 !== delivery.bodySha256 ? bound : undefined;
}

interface FailedAttempt {
  readonly delivery: Delivery;
  readonly failure: Failure;
  readonly next: RetryDecision;
  readonly number: number;
  readonly durationMs: number;
}

/**
 * Its transaction is gone with everything in it; the event itself must be
 * stored all the same, with what happened to it.
 */
async function recordFailedAttempt(db: LedgerDatabase, attempt: FailedAttempt): Promise<'recorded' | 'outage'> {
  const { delivery, failure, next } = attempt;
  try {
    await db.transaction().execute(async (tx) => {
      const entry = await enterLedger(tx, delivery);
      if (entry.state === 'processed' || entry.state === 'ignored' || entry.bodySha256 !== delivery.bodySha256) return;
      // A forgery that came first must not keep the genuine event from binding its own transmission.
      if (failure.code === 'event_unconfirmed') await storeEvent(tx, entry.id, delivery);
      else await storeDelivery(tx, delivery, entry.id);
      await recordAttempt(tx, {
        ledgerId: entry.id,
        number: attempt.number,
        durationMs: attempt.durationMs,
        failure,
        retryInMs: next.kind === 'retry' ? next.delayMs : null,
      });
      if (next.kind === 'retry') await recordFailure(tx, entry.id, failure);
      else
        await recordDeath(tx, entry.id, {
          failure,
          reason: delivery.shape === 'malformed' ? 'malformed' : next.reason,
        });
    });
    return 'recorded';
  } catch (thrown) {
    // Another worker bound the same transmission at this moment: the next look will see it.
    if (isDatabaseOutage(thrown) || thrown instanceof TransientError) return 'outage';
    throw thrown;
  }
}

/** Stores an event that has to wait, so that it no longer depends on the queue. */
async function keep(db: LedgerDatabase, delivery: Delivery): Promise<'kept' | 'outage'> {
  try {
    await keepDelivery(db, delivery, null);
    return 'kept';
  } catch (thrown) {
    if (isDatabaseOutage(thrown) || thrown instanceof TransientError) return 'outage';
    throw thrown;
  }
}

/** Marks an event dead that the queue gave up on by itself; stores it first where it never was. */
export async function buryDelivery(db: LedgerDatabase, delivery: Delivery, failure: Failure): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const entry = await enterLedger(tx, delivery);
    if (entry.state !== 'received' || entry.bodySha256 !== delivery.bodySha256) return;
    await storeDelivery(tx, delivery, entry.id);
    await recordDeath(tx, entry.id, { failure, reason: 'abandoned' });
  });
}
