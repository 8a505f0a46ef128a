import * as z from 'zod';
import { minorUnits } from '../../money.ts';
import type { FactOf, PaymentFact, PaymentStatus } from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';

/**
 * What Coinbase Commerce's charge events say; an empty list for the rest.
 * Amounts are the price in fiat money (`pricing.local`), not what was sent in
 * a cryptocurrency. There are no events of refunds or disputes. Source:
 * docs.cdp.coinbase.com, webhook fields and payment status.
 */
export function translateCoinbaseCommerce(body: Buffer): readonly PaymentFact[] {
  const { event } = readBody(body, envelope);
  const status = statuses.get(event.type);
  if (status === undefined) return [];
  const occurredAtMs = Date.parse(readPart({ schema: time, value: event.created_at, path: 'event.created_at' }));
  const data = readPart({ schema: charge, value: event.data, path: 'event.data' });
  const { amount, currency } = priceOf(data);
  const last = data.timeline?.at(-1);
  // A charge is resolved by hand, whatever was paid of it: how much is not said.
  const paid = event.type === 'charge:confirmed' && amount !== undefined;
  const fact: FactOf<'payment'> = {
    kind: 'payment',
    occurredAtMs,
    references: [`payment:${data.id}`],
    status: status === 'failed' ? failureOf(last?.status) : status,
    amount,
    currency,
    captured: paid ? { key: data.id, amount } : undefined,
    failureCode: status === 'failed' ? shortText(last?.context ?? last?.status) : undefined,
  };
  return checkFacts([fact]);
}

/** Whether two deliveries carry one event: a retry counts its attempts around it. */
export function statesSameCoinbaseEvent(stored: Buffer, received: Buffer): boolean {
  return stored.equals(received) || eventText(stored) === eventText(received);
}

const time = z.iso.datetime({ offset: true });

const envelope = z.object({
  event: z.object({ type: z.string(), created_at: z.unknown().optional(), data: z.unknown().optional() }),
});

/** `charge:pending` is on the chain but can still be forked away; `charge:confirmed` can not. */
const statuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['charge:created', 'created'],
  ['charge:pending', 'pending'],
  ['charge:confirmed', 'captured'],
  ['charge:resolved', 'captured'],
  ['charge:failed', 'failed'],
]);

const charge = z.object({
  id: z.string(),
  /** Absent where the payer chooses how much to give. */
  pricing: z.object({ local: z.object({ amount: z.string(), currency: z.string() }).nullish() }).nullish(),
  timeline: z.array(z.object({ status: z.string(), context: z.string().nullish() })).nullish(),
});

/** `charge:failed` is sent as well where nobody paid in time. */
function failureOf(lastStatus: string | undefined): PaymentStatus {
  if (lastStatus === 'EXPIRED') return 'expired';
  return lastStatus === 'CANCELED' ? 'canceled' : 'failed';
}

/** The price in fiat money; nothing where it is set in a cryptocurrency, which has no ISO 4217 minor unit. */
function priceOf({ pricing }: z.infer<typeof charge>): { readonly amount?: number; readonly currency?: string } {
  const local = pricing?.local;
  if (local === null || local === undefined || !fiatCurrencies.has(local.currency)) return {};
  return { amount: minorUnits(local.amount, local.currency), currency: local.currency };
}

const fiatCurrencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

function eventText(body: Buffer): string {
  return JSON.stringify(readBody(body, z.object({ event: z.unknown() })).event);
}
