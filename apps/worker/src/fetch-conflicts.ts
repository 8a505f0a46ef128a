import { conflictKinds, type ConflictKind } from '@penstock/core/conflict';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { asOfOf, snapshotEvent } from '@penstock/core/snapshot';
import {
  claimFetches,
  paymentsInConflict,
  recordFetch,
  type DueFetch,
  type FetchEnd,
  type PaymentNames,
} from '@penstock/db/conflict-fetches';
import { isDatabaseOutage, type LedgerDatabase } from '@penstock/db/database';
import { newTraceparent } from '@penstock/runtime/trace-context';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import type { AccountSnapshots } from './snapshotters.ts';

/** What asking about conflicts needs of the world. */
export interface FetchWorld {
  readonly db: LedgerDatabase;
  readonly queue: Pick<WebhookQueue, 'add'>;
  /** By account. */
  readonly snapshotters: ReadonlyMap<string, AccountSnapshots>;
  /** The kinds that are fetched without being asked to. */
  readonly automatic: readonly ConflictKind[];
  /** How long one of these stands before: what is missing is usually under way. */
  readonly graceMs: number;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Each question is asked within it, as in a span. */
  readonly around?: (conflict: DueFetch, ask: (traceparent: string) => Promise<FetchEnd>) => Promise<Fetched>;
}

/** Which are, by the setting's word. */
export const automaticKinds = {
  none: [],
  missing: ['missing_parent'],
  all: conflictKinds,
} as const satisfies Record<string, readonly ConflictKind[]>;

/** What became of asking about one conflict. */
export interface Fetched {
  readonly conflict: DueFetch;
  readonly end: FetchEnd;
  /** The trace that the question and its events belong to. */
  readonly traceparent: string;
}

/** By which everything about a question is found: lines, spans and the events that it brought. */
export function requestIdOfFetch({ id }: Pick<DueFetch, 'id'>): string {
  return `conflict-${id}`;
}

/** With a look every five seconds, two questions a second at most: Stripe allows 100 of live keys, PayPal some 10. */
const FETCHES_MAX = 10;

/** With the pauses between them, a little over an hour. */
const ATTEMPTS_MAX = 8;

/**
 * Asks the providers about conflicts that are due, one after the other. What
 * they say enters the queue as an event of its own, and goes the way of every
 * event: stored, folded, handled. Whether it settles the conflict, the fold says.
 */
export async function fetchConflicts(world: FetchWorld): Promise<readonly Fetched[]> {
  const { around = untold } = world;
  const due = await claimFetches(world.db, { ...world, limit: FETCHES_MAX });
  const fetched: Fetched[] = [];
  for (const conflict of due) {
    const asked = await around(conflict, (traceparent) => fetchConflict(conflict, { traceparent, world }));
    await recordFetch(world.db, conflict.id, asked.end);
    fetched.push(asked);
  }
  return fetched;
}

const untold: NonNullable<FetchWorld['around']> = async (conflict, ask) => {
  const traceparent = newTraceparent();
  return { conflict, end: await ask(traceparent), traceparent };
};

interface Asked {
  readonly traceparent: string;
  readonly world: FetchWorld;
}

async function fetchConflict(conflict: DueFetch, { traceparent, world }: Asked): Promise<FetchEnd> {
  try {
    const account = snapshotterOf(conflict, world);
    const payments = await paymentsInConflict(world.db, conflict);
    if (payments.length === 0)
      throw new PermanentError('nothing_to_fetch', 'the event concerns no payment; look at both and dismiss it');
    const deliveries: Delivery[] = [];
    for (const payment of payments)
      deliveries.push(await snapshotOf(payment, { conflict, account, traceparent, world }));
    await world.queue.add(deliveries);
    return { state: 'fetched', eventId: deliveries.map(({ eventId }) => eventId).join(' ') };
  } catch (thrown) {
    // The claim stands; the conflict is due again after its pause.
    if (isDatabaseOutage(thrown)) throw thrown;
    const { code, message, permanent } = toFailure(thrown);
    return { state: permanent || conflict.attempt >= ATTEMPTS_MAX ? 'failed' : 'retry', code, message };
  }
}

type Asking = AccountSnapshots & { readonly ask: NonNullable<AccountSnapshots['ask']> };

function snapshotterOf({ account, provider }: DueFetch, world: FetchWorld): Asking {
  const known = world.snapshotters.get(account);
  if (known === undefined)
    throw new PermanentError(
      'fetch_unconfigured',
      `no endpoint of this worker's configuration is of account ${account}`,
    );
  if (known.provider.snapshots === undefined)
    throw new PermanentError(
      'fetch_unsupported',
      `Penstock cannot ask ${provider} how a payment stands; compare it with the provider's dashboard and dismiss the conflict`,
    );
  if (known.ask === null)
    throw new PermanentError(
      'fetch_unconfigured',
      `no endpoint of account ${account} has what asking takes (${known.provider.snapshots.settings.join(', ')}); set it and resolve the conflict again`,
    );
  return { ...known, ask: known.ask };
}

/** Asks about one payment; the answer as a delivery. */
async function snapshotOf(
  payment: PaymentNames,
  { conflict, account, traceparent, world }: Asked & { readonly conflict: DueFetch; readonly account: Asking },
): Promise<Delivery> {
  const ask = account.ask(payment);
  if (ask === null)
    throw new PermanentError('fetch_unsupported', 'the payment has no name that the provider can be asked about');
  const at = world.now();
  const told = await ask(at);
  if (told.kind === 'unknown')
    throw new PermanentError('payment_denied', "the provider's API knows no such payment; is its key of this account?");
  const asOf = asOfOf({ at, lastOccurredAt: payment.lastOccurredAt });
  const { eventId, body } = snapshotEvent({ ...told, asOf });
  return {
    v: 1,
    deliveryId: world.newId(),
    endpoint: account.endpoint,
    provider: conflict.provider,
    account: conflict.account,
    eventId,
    type: `${conflict.provider}.snapshot`,
    shape: 'event',
    occurredAt: asOf.toISOString(),
    receivedAt: at.toISOString(),
    livemode: null,
    apiVersion: null,
    providerAccount: payment.providerAccount,
    tier: 'fetched',
    keyId: 'tls',
    transmissionId: null,
    requestId: requestIdOfFetch(conflict),
    traceparent,
    contentType: 'application/json',
    origin: 'fetch',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}
