import { decodeBody, parseDelivery, type Delivery } from '@penstock/core/delivery';
import type { KeyedFact } from '@penstock/core/payment';
import type { PaymentFact } from '@penstock/core/payment-event';
import { familiesOf, type Applied } from '@penstock/db/apply-facts';
import type { PaymentSource } from '@penstock/db/apply-together';
import type { TogetherStore, TogetherTransaction } from '@penstock/db/together-store';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import { factsOf, hasToBeConfirmed } from './confirm-delivery.ts';
import { destinationsOf, forwardEvent } from './forward-event.ts';
import { handleTogether } from './handle-together.ts';
import type { HandlerTimes } from './handler-times.ts';
import { paceOf, type Processed, type ProcessWorld } from './process-webhook.ts';
import { coveringHandlers } from './run-handlers.ts';

/**
 * What `processWebhook` does for one job, for the jobs in hand, by as many
 * statements and one commit: that is where the speed is. Only what is plain is
 * taken together: events not known before, each of one payment or none, no two
 * of one payment, whose signature proves them and whose handlers are quick.
 * Where anything fails, all of it is taken back.
 *
 * `alone`: to be processed alone, and comes out the same. `again`: one of its
 * payment is among them; with the next ones it may be taken together.
 */
export async function processTogether(
  jobs: readonly QueuedJob[],
  world: TogetherWorld,
): Promise<readonly (Processed | 'alone' | 'again')[]> {
  const { plain, later } = choosePlain(jobs, world);
  if (plain.length < 2) return jobs.map(() => 'alone');
  world.onStep?.('parsed');
  world.onStep?.('confirmed');
  const rest = (job: QueuedJob): 'alone' | 'again' => (later.has(job) ? 'again' : 'alone');
  try {
    const processed = await world.together.transactionTogether((tx) => applyPlain(tx, plain, world));
    world.onStep?.('committed');
    return jobs.map((job) => processed.get(job) ?? rest(job));
  } catch {
    // One of them is at fault, or the database: alone, each finds out.
    return jobs.map(rest);
  }
}

/** What processing together needs of the world, beyond what each alone needs. */
export interface TogetherWorld extends ProcessWorld {
  readonly together: TogetherStore;
  /** How long handlers take. */
  readonly handlerTimes: HandlerTimes;
  /** What was read of jobs that wait for the next transaction. Events of one payment come close together: each would be read again for each before it. */
  readonly readings: WeakMap<QueuedJob, PlainJob>;
}

/** A job that may be taken together with others, and what its event says. */
export interface PlainJob {
  readonly job: QueuedJob;
  readonly delivery: Delivery;
  readonly facts: readonly PaymentFact[];
  readonly keyed: readonly KeyedFact[];
  /** Of its payment; empty where it tells of none. */
  readonly names: readonly string[];
  /** Of the handlers that will run for it. */
  readonly handlers: readonly string[];
  /** What it is once its handlers have succeeded. */
  readonly state: 'processed' | 'ignored';
}

/** Of all bodies of one statement: it is in memory several times over, here and at the server. */
const BODIES_BYTES_MAX = 8 * 1024 * 1024;

/** That handlers of one transaction are expected to take, one after the other: so long others wait for its rows, and its events for the commit. */
const HANDLERS_MS_MAX = 500;

/** Those that can be taken together, the first of each event and payment, and those that wait for the next transaction. */
function choosePlain(
  jobs: readonly QueuedJob[],
  world: TogetherWorld,
): { readonly plain: readonly PlainJob[]; readonly later: ReadonlySet<QueuedJob> } {
  const claimed = new Set<string>();
  const later = new Set<QueuedJob>();
  let bytes = 0;
  let handlersMs = 0;
  const plain = jobs.flatMap((job) => {
    const read = world.readings.get(job) ?? readPlain(job, world);
    if (read === null) return [];
    const { account, eventId } = read.delivery;
    const claims = [`event ${account} ${eventId}`, ...read.names.map((name) => `payment ${account} ${name}`)];
    const isFree = claims.every((claim) => !claimed.has(claim));
    for (const claim of claims) claimed.add(claim);
    const { length } = read.delivery.body.data;
    const ownMs = read.handlers.reduce((sum, name) => sum + world.handlerTimes.expectedMs(name), 0);
    const hasRoom = bytes + length <= BODIES_BYTES_MAX && handlersMs + ownMs <= HANDLERS_MS_MAX;
    if (isFree && (hasRoom || bytes === 0)) {
      bytes += length;
      handlersMs += ownMs;
      return [read];
    }
    later.add(job);
    world.readings.set(job, read);
    return [];
  });
  return { plain, later };
}

function readPlain(job: QueuedJob, world: TogetherWorld): PlainJob | null {
  try {
    const delivery = parseDelivery(job.data);
    const provider = world.provider(delivery.provider);
    // A transmission may be a forgery's, and a first attempt is the only one that can be of an event not known before.
    if (provider === undefined || job.attempt > 1 || delivery.transmissionId !== null) return null;
    if (delivery.shape !== 'event' || delivery.origin !== 'webhook' || delivery.tier === 'fetched') return null;
    if (hasToBeConfirmed(delivery, provider, world)) return null;
    const settings = world.endpoints.get(delivery.endpoint)?.settings;
    const event = { tier: delivery.tier, body: decodeBody(delivery.body) };
    const facts = factsOf(event, { provider, settings, answer: null });
    const keyed = facts.map((fact, ordinal) => ({ eventId: delivery.eventId, ordinal, fact }));
    const [family, ...others] = familiesOf(keyed);
    if (others.length > 0 || (family?.facts.length ?? 0) < keyed.length) return null;
    const covering = coveringHandlers({ delivery, facts }, world.handlers);
    if (covering.some(({ name }) => !world.handlerTimes.isQuick(name))) return null;
    const wanting = destinationsOf({ delivery, facts, answer: null }, world.destinations);
    const state = facts.length + covering.length + wanting.length > 0 ? 'processed' : 'ignored';
    const handlers = covering.map(({ name }) => name);
    return { job, delivery, facts, keyed, names: family?.names ?? [], handlers, state };
  } catch {
    return null;
  }
}

async function applyPlain(
  tx: TogetherTransaction,
  plain: readonly PlainJob[],
  world: TogetherWorld,
): Promise<ReadonlyMap<QueuedJob, Processed>> {
  const began = world.elapsedMs();
  const ids = await tx.enterTogether(plain);
  world.handlerTimes.addOwn(world.elapsedMs() - began);
  const entered = plain.flatMap((each, position) => {
    const ledgerId = ids.get(position);
    return ledgerId === undefined ? [] : [{ ...each, ledgerId }];
  });
  world.onStep?.('entered');
  world.onStep?.('stored');

  const telling = entered.filter(({ names }) => names.length > 0);
  const applications = await tx.applyTogether(telling.map(sourceOf));
  const appliedOf = new Map(telling.map(({ job }, position) => [job, applications[position]]));
  world.onStep?.('folded');

  const attempts = entered.map(({ job, delivery, ledgerId, facts, state }) => ({
    job,
    state,
    input: { delivery, ledgerId, facts, applied: appliedOf.get(job) ?? nothingApplied, answer: null },
    jobId: job.jobId,
    attempt: job.attempt,
    pace: paceOf(delivery, world),
    wasKnown: false,
    wasDead: false,
  }));
  const handled = await handleTogether(tx, attempts, world);
  world.onStep?.('handled');

  const processed = new Map<QueuedJob, Processed>();
  for (const [position, { job, input, state }] of attempts.entries()) {
    const { delivery } = input;
    const { moved } = input.applied;
    const what = handled[position];
    if (what?.kind === 'failed') {
      const { failure, next, error, outcomes: handlers } = what;
      processed.set(job, { kind: 'failed', delivery, handlers, moved, failure, next, error });
      continue;
    }
    await forwardEvent(tx, input, world.destinations);
    processed.set(job, { kind: 'ended', outcome: state, delivery, handlers: what?.outcomes ?? [], moved });
  }
  world.onStep?.('finished');
  return processed;
}

const nothingApplied: Applied = { payments: [], payouts: [], moved: [] };

function sourceOf(entered: PlainJob & { readonly ledgerId: number }): PaymentSource {
  const { delivery, keyed, names, ledgerId: eventId } = entered;
  return { eventId, account: delivery.account, provider: delivery.provider, facts: keyed, names };
}
