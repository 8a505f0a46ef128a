import { decodeBody, jobIdOf, parseDelivery, type Delivery } from '@penstock/core/delivery';
import { PermanentError, TransientError, toError, toFailure, type Failure } from '@penstock/core/failure';
import type { MoneyMoved } from '@penstock/core/money-moved';
import type { ProcessOutcome } from '@penstock/core/outcome';
import type { KeyedFact } from '@penstock/core/payment';
import type { Provider } from '@penstock/core/provider';
import { decideRetry, paceFor, waitForService, type RetryDecision, type RetryPace } from '@penstock/core/retry-policy';
import type { EventTransaction, LedgerStore } from '@penstock/db/ledger-store';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import { confirmDelivery, factsOf, type WorkerEndpoint } from './confirm-delivery.ts';
import { forwardEvent } from './forward-event.ts';
import { handleEvent } from './handle-event.ts';
import { keepWaiting, recordFailedAttempt } from './record-failed-attempt.ts';
import type { HandlerOutcome, HandlerWorld } from './run-handlers.ts';
import { findForgery, restatesStored, storeDelivery } from './store-delivery.ts';

/** What processing needs of the world. */
export interface ProcessWorld extends HandlerWorld {
  readonly store: LedgerStore;
  readonly provider: (id: string) => Provider | undefined;
  /** By name. */
  readonly endpoints: ReadonlyMap<string, WorkerEndpoint>;
  readonly now: () => Date;
  /** Puts a stored event's own job back to work; one that waits, runs or is delayed is left alone. */
  readonly putBack: (delivery: Delivery) => Promise<void>;
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
  | {
      readonly kind: 'ended';
      readonly outcome: Exclude<ProcessOutcome, 'dead'>;
      readonly delivery: Delivery;
      readonly handlers: readonly HandlerOutcome[];
      /** Committed; told once, by the attempt that first folded the event. */
      readonly moved: readonly MoneyMoved[];
    }
  | {
      readonly kind: 'failed';
      readonly delivery: Delivery;
      readonly handlers: readonly HandlerOutcome[];
      readonly moved: readonly MoneyMoved[];
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
 * proves too little, then store, fold, handle and finish in one transaction. A
 * crash at any point leaves either nothing of it or everything, and the queue
 * hands the job to another worker, which finds out which. A handler that fails
 * takes back what it wrote, and nothing else; the event is not finished then.
 */
export async function processWebhook(job: QueuedJob, world: ProcessWorld): Promise<Processed> {
  const started = world.elapsedMs();
  let delivery: Delivery;
  try {
    delivery = parseDelivery(job.data);
  } catch (thrown) {
    return { kind: 'unreadable', failure: toFailure(thrown), error: toError(thrown) };
  }
  world.onStep?.('parsed');

  let isProven = false;
  try {
    const provider = world.provider(delivery.provider);
    if (provider === undefined)
      throw new PermanentError('provider_unknown', `this version has no provider named ${delivery.provider}`);
    const answer = await confirmDelivery(delivery, provider, world);
    // What is no event is never acted upon, and so never asked about.
    isProven = delivery.shape === 'event';
    world.onStep?.('confirmed');
    const proven: ProvenDelivery = { delivery, provider, answer, job };
    const processed = await world.store.transaction((tx) => applyDelivery(tx, proven, world));
    world.onStep?.('committed');
    return processed.kind === 'rerendered'
      ? await workOnStored(processed.ledgerId, { delivery, job, world })
      : processed;
  } catch (thrown) {
    const failure = toFailure(thrown);
    if (world.store.isMonthMissing(thrown))
      return { kind: 'outage', failure: await makeMissingMonths(delivery, world) };
    if (world.store.isOutage(thrown)) return { kind: 'outage', failure };
    const delayMs = waitForService(thrown, { receivedAt: new Date(delivery.receivedAt), now: world.now() });
    if (delayMs !== null)
      return (await keepWaiting(world.store, delivery)) === 'outage'
        ? { kind: 'outage', failure }
        : { kind: 'unconfirmed', delivery, failure, delayMs };
    const next = decideRetry({ failure, attempt: job.attempt, seed: job.jobId, pace: paceOf(delivery, world) });
    const durationMs = world.elapsedMs() - started;
    const attempt = { delivery, failure, next, number: job.attempt, durationMs, isProven };
    const recorded = await recordFailedAttempt(world.store, attempt);
    return recorded === 'outage'
      ? { kind: 'outage', failure }
      : { kind: 'failed', delivery, handlers: [], moved: [], failure, next, error: toError(thrown) };
  }
}

/** The months that the event's rows belong to are made on the spot, and it comes back soon. */
async function makeMissingMonths(delivery: Delivery, world: ProcessWorld): Promise<Failure> {
  try {
    const made = await world.store.createMonthsOf({ ...delivery, now: world.now() });
    return toFailure(
      new TransientError('month_missing', `the months ahead were not made; made now: ${made.join(', ')}`),
    );
  } catch (cause) {
    const { message } = toFailure(cause);
    return toFailure(
      new TransientError('month_missing', `the months ahead were not made, nor can they be: ${message}`),
    );
  }
}

/** Another rendering of an event that is not finished: what is worked on is what was stored, under its own hash. */
interface Rerendered {
  readonly kind: 'rerendered';
  readonly ledgerId: number;
}

/**
 * By the event's own job, whose attempts are counted and which the sweeper looks
 * for. This one takes its place where the queue had forgotten it.
 */
async function workOnStored(
  ledgerId: number,
  { delivery, job, world }: { readonly delivery: Delivery; readonly job: QueuedJob; readonly world: ProcessWorld },
): Promise<Processed> {
  const stored = await world.store.deliveryOfStoredEvent(ledgerId, delivery.deliveryId);
  if (jobIdOf(stored) === job.jobId) return processWebhook({ ...job, data: stored }, world);
  await world.putBack(stored);
  return { kind: 'ended', outcome: 'duplicate', delivery, ...nothingDone };
}

interface ProvenDelivery {
  readonly delivery: Delivery;
  readonly provider: Provider;
  /** What the provider's API said of it; null where it was not asked. */
  readonly answer: Buffer | null;
  readonly job: QueuedJob;
}

async function applyDelivery(
  tx: EventTransaction,
  { delivery, provider, answer, job }: ProvenDelivery,
  world: ProcessWorld,
): Promise<Processed | Rerendered> {
  const ended = (
    outcome: Exclude<ProcessOutcome, 'dead'>,
    did: { readonly handlers: readonly HandlerOutcome[]; readonly moved: readonly MoneyMoved[] } = nothingDone,
  ): Processed => ({ kind: 'ended', outcome, delivery, ...did });
  const forgery = await findForgery(tx, delivery);
  if (forgery !== undefined) {
    await tx.recordDelivery(delivery, { ledgerId: forgery.ledgerId, kind: 'other_body' });
    await tx.recordCollision({ ledgerId: forgery.ledgerId, kind: 'transmission_id', delivery });
    return ended('collision');
  }

  const entry = await tx.enterLedger(delivery);
  world.onStep?.('entered');
  if (entry.bodySha256 !== delivery.bodySha256) {
    if (await restatesStored(tx, { ledgerId: entry.id, delivery, provider })) {
      // One that is not dead has a job of its own, which is at work or which the sweeper makes again.
      const isWanted = entry.state === 'dead' || (entry.state === 'received' && job.jobId === jobIdOf(delivery));
      return isWanted ? { kind: 'rerendered', ledgerId: entry.id } : ended('duplicate');
    }
    await tx.recordCollision({ ledgerId: entry.id, kind: 'event_id', delivery });
    return ended('collision');
  }
  if (entry.state !== 'received' && entry.state !== 'dead') return ended('duplicate');

  await storeDelivery(tx, delivery, entry.id);
  world.onStep?.('stored');
  if (delivery.shape === 'malformed')
    throw new PermanentError(
      'malformed_event',
      delivery.malformedReason ?? 'the body is not an event of this provider',
    );

  const settings = world.endpoints.get(delivery.endpoint)?.settings;
  const facts = factsOf({ tier: delivery.tier, body: decodeBody(delivery.body) }, { provider, settings, answer });
  const keyed: KeyedFact[] = facts.map((fact, ordinal) => ({ eventId: delivery.eventId, ordinal, fact }));
  const applied = await tx.applyFacts({
    eventId: entry.id,
    account: delivery.account,
    provider: delivery.provider,
    facts: keyed,
  });
  world.onStep?.('folded');

  const handled = await handleEvent(
    tx,
    {
      input: { delivery, ledgerId: entry.id, facts, applied, answer },
      jobId: job.jobId,
      attempt: job.attempt,
      pace: paceOf(delivery, world),
      wasKnown: !entry.isNew,
      wasDead: entry.state === 'dead',
    },
    world,
  );
  world.onStep?.('handled');
  if (handled.kind === 'failed') {
    const { failure, next, error, outcomes } = handled;
    return { kind: 'failed', delivery, handlers: outcomes, moved: applied.moved, failure, next, error };
  }

  // What was forwarded when it was finished first is not forwarded again.
  const forwarded = handled.again
    ? 0
    : await forwardEvent(tx, { delivery, ledgerId: entry.id, facts, applied, answer }, world.destinations);
  const outcome = handled.again || facts.length + handled.covering + forwarded > 0 ? 'processed' : 'ignored';
  await tx.finishLedger(entry.id, outcome);
  world.onStep?.('finished');
  return ended(outcome, { handlers: handled.outcomes, moved: applied.moved });
}

/** How fast a failed event of this kind is tried again. */
export function paceOf({ endpoint, type }: Delivery, world: Pick<ProcessWorld, 'endpoints'>): RetryPace {
  return paceFor(world.endpoints.get(endpoint)?.retry, type);
}

const nothingDone = { handlers: [], moved: [] };
