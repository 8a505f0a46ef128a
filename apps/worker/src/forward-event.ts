import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { decodeBody, type Delivery } from '@penstock/core/delivery';
import { wantsEvent, wantsTopic, type DestinationFilter } from '@penstock/core/destination';
import { canonicalType, type PaymentFact } from '@penstock/core/payment-event';
import type { Applied } from '@penstock/db/apply-facts';
import type { EventTransaction } from '@penstock/db/ledger-store';

/** What of a destination decides where an event goes, and in which order. */
export interface Forwarding extends DestinationFilter {
  readonly order?: 'payment' | undefined;
}

/** An event that is about to be finished. */
export interface ForwardedEvent {
  readonly delivery: Delivery;
  readonly ledgerId: number;
  readonly facts: readonly PaymentFact[];
  readonly applied: Applied;
  readonly answer: Buffer | null;
}

/**
 * Promises an event to every destination that wants it, in the transaction that
 * finishes it: once, and only if it commits. Returns to how many; the canary's are for nobody.
 */
export async function forwardEvent(
  tx: EventTransaction,
  event: ForwardedEvent,
  destinations: ReadonlyMap<string, Forwarding>,
): Promise<number> {
  const wanting = destinationsOf(event, destinations);
  if (wanting.length === 0) return 0;
  const { delivery, facts, applied, ledgerId } = event;
  const [firstType] = facts.map(canonicalType);
  const orderKey = orderKeyOf(applied);
  await tx.addToOutbox({
    ledgerId,
    kind: 'event',
    topic: firstType ?? `${delivery.provider}:${delivery.type}`,
    key: delivery.eventId,
    payload: tell(event),
    destinations: wanting.map(([name, { order }]) => ({ name, orderKey: order === undefined ? null : orderKey })),
  });
  return wanting.length;
}

/** The destinations that want an event; none of the canary's. */
export function destinationsOf(
  { delivery, facts, answer }: Pick<ForwardedEvent, 'delivery' | 'facts' | 'answer'>,
  destinations: ReadonlyMap<string, Forwarding>,
): readonly (readonly [string, Forwarding])[] {
  if (delivery.endpoint === CANARY_ENDPOINT || destinations.size === 0) return [];
  const { provider, type, endpoint, account } = delivery;
  const canonicalTypes = facts.map(canonicalType);
  const payload = (): unknown => parse(answer ?? decodeBody(delivery.body));
  return [...destinations].filter(([, filter]) =>
    wantsEvent(filter, { provider, type, endpoint, account, canonicalTypes, payload }),
  );
}

/** Those that a handler's message goes to; messages of one key stay in their order where order is kept. */
export function subscribersOf(
  destinations: ReadonlyMap<string, Forwarding>,
  message: { readonly topic: string; readonly key: string },
): readonly { readonly name: string; readonly orderKey: string | null }[] {
  return [...destinations]
    .filter(([, filter]) => wantsTopic(filter, message.topic))
    .map(([name, { order }]) => ({ name, orderKey: order === undefined ? null : `key:${message.key}` }));
}

/** What keeps its order: the payment, by its row; a payout, by its id. */
function orderKeyOf({ payments, payouts }: Applied): string | null {
  const [payment] = payments;
  if (payment !== undefined) return `payment:${payment.key}`;
  const [payout] = payouts;
  return payout === undefined ? null : `payout:${payout.id}`;
}

/** The canonical shape: what came, what it says, and how the payments stand with it. Amounts are minor units. */
function tell({ delivery, facts, applied }: ForwardedEvent): unknown {
  return {
    event: {
      id: delivery.eventId,
      provider: delivery.provider,
      account: delivery.account,
      endpoint: delivery.endpoint,
      type: delivery.type,
      occurredAt: delivery.occurredAt,
      receivedAt: delivery.receivedAt,
      livemode: delivery.livemode,
    },
    facts,
    payments: applied.payments.map(({ payment, refunds, disputes }) => ({ ...payment, refunds, disputes })),
    payouts: applied.payouts,
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
