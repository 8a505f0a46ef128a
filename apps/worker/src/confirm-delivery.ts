import type { Confirmer } from '@penstock/core/confirmation';
import { decodeBody, type Delivery } from '@penstock/core/delivery';
import { PermanentError, TransientError } from '@penstock/core/failure';
import type { PaymentFact } from '@penstock/core/payment-event';
import type { EndpointSettings, Provider } from '@penstock/core/provider';
import type { RetryRules } from '@penstock/core/retry-policy';
import { translateSnapshot } from '@penstock/core/snapshot';
import type { Tier } from '@penstock/core/verification';
import type { LedgerStore } from '@penstock/db/ledger-store';
import { keepDelivery } from './store-delivery.ts';

/** An endpoint as a worker knows it. */
export interface WorkerEndpoint {
  /** As configured; secrets are references. */
  readonly settings: EndpointSettings;
  /** Asks the provider about an event of it; null where its signatures prove enough. */
  readonly confirm: Confirmer | null;
  /** How its failed events are tried again; the usual pace where absent. */
  readonly retry?: RetryRules;
}

/** What confirming needs of the world. */
export interface ConfirmWorld {
  readonly store: LedgerStore;
  readonly endpoints: ReadonlyMap<string, WorkerEndpoint>;
  readonly now: () => Date;
}

/**
 * Asks the provider about an event whose signature does not prove what will be
 * acted upon, and stores the answer beside the event: it is fetched once. Gives
 * the answer, or null where there is nothing to ask, or nothing to act upon:
 * the event was processed before, or is a collision, which the ledger finds by
 * itself. Holds no transaction open while it waits.
 *
 * Throws PermanentError `event_unconfirmed` where the provider denies it,
 * ServiceAwayError where it cannot say now.
 */
export async function confirmDelivery(
  delivery: Delivery,
  provider: Provider,
  world: ConfirmWorld,
): Promise<Buffer | null> {
  if (provider.confirmation === undefined || delivery.shape === 'malformed') return null;
  if (delivery.tier === 'fetched') return null;
  const endpoint = world.endpoints.get(delivery.endpoint);
  // What is signed can be acted upon without asking.
  if (endpoint === undefined && (delivery.tier === 'full' || delivery.tier === 'body')) return null;
  if (endpoint === undefined)
    throw new TransientError(
      'endpoint_unknown',
      `this worker's configuration has no endpoint ${delivery.endpoint}, so its events cannot be confirmed`,
    );
  const ask = endpoint.confirm?.(unconfirmed(delivery, delivery.tier)) ?? null;
  if (ask === null) return null;

  const standing = await world.store.findConfirmation(delivery);
  if (standing?.state === 'processed' || standing?.state === 'ignored') return null;
  if (standing !== undefined && standing.bodySha256 !== delivery.bodySha256) return null;
  if (await isForgery(world.store, delivery)) return null;
  if (standing?.answer != null) return standing.answer;

  const at = world.now();
  const confirmation = await ask(at);
  switch (confirmation.kind) {
    case 'confirmed': {
      const disagrees = disagree(delivery, { provider, settings: endpoint.settings, answer: confirmation.answer });
      await keepDelivery(world.store, delivery, { ...confirmation, at, disagrees });
      return confirmation.answer;
    }
    case 'denied':
      throw new PermanentError('event_unconfirmed', `the provider does not confirm the event: ${confirmation.reason}`);
    default:
      return confirmation satisfies never;
  }
}

/** Whether the event has to be asked about before it is acted upon. */
export function hasToBeConfirmed(
  delivery: Delivery,
  provider: Provider,
  { endpoints }: Pick<ConfirmWorld, 'endpoints'>,
): boolean {
  const { shape, tier } = delivery;
  if (provider.confirmation === undefined || shape === 'malformed' || tier === 'fetched') return false;
  const endpoint = endpoints.get(delivery.endpoint);
  if (endpoint === undefined) return tier !== 'full' && tier !== 'body';
  return (endpoint.confirm?.(unconfirmed(delivery, tier)) ?? null) !== null;
}

function unconfirmed({ eventId, type, providerAccount, receivedAt, body }: Delivery, tier: Tier) {
  return { eventId, type, tier, providerAccount, receivedAt: new Date(receivedAt), body: decodeBody(body) };
}

/** Its headers have proven another body before. */
async function isForgery(store: LedgerStore, { account, transmissionId, bodySha256 }: Delivery): Promise<boolean> {
  if (transmissionId === null) return false;
  const bound = await store.findTransmission({ account, transmissionId });
  return bound !== undefined && bound.bodySha256 !== bodySha256;
}

interface Proof {
  readonly provider: Provider;
  readonly settings: EndpointSettings | undefined;
  /** What the provider's API said; null where it was not asked. */
  readonly answer: Buffer | null;
}

/**
 * What is acted upon: the provider's answer where there is one, else what the
 * signature proves of the body. Of a snapshot, which was fetched, all of it.
 */
export function factsOf(
  event: { readonly tier: Delivery['tier']; readonly body: Buffer },
  { provider, settings, answer }: Proof,
): readonly PaymentFact[] {
  const { tier, body } = event;
  if (tier === 'fetched') return provider.snapshots === undefined ? [] : translateSnapshot(provider.snapshots, body);
  return answer === null || provider.confirmation === undefined
    ? provider.translate(body, settings)
    : provider.confirmation.translate(body, answer);
}

/** Whether the body, had it been believed, says something else. One that says nothing does not disagree. */
function disagree(delivery: Delivery, proof: Proof): boolean {
  try {
    const event = { tier: delivery.tier, body: decodeBody(delivery.body) };
    const own = factsOf(event, { ...proof, answer: null });
    return own.length > 0 && JSON.stringify(own) !== JSON.stringify(factsOf(event, proof));
  } catch (error) {
    if (error instanceof PermanentError) return true;
    throw error;
  }
}
