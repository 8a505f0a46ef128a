import type { CanonicalType, PaymentFact } from './payment-event.ts';
import type { Tier } from './verification.ts';

/** The event a handler is told about. */
export interface HandledEvent {
  readonly endpoint: string;
  readonly provider: string;
  readonly account: string;
  /** The provider's event id. */
  readonly id: string;
  /** The provider's type, e.g. `charge.refunded`. */
  readonly type: string;
  readonly occurredAt: Date | null;
  readonly receivedAt: Date;
  /** How much of the request its signature proved; `none` and not confirmed: the payload is anybody's. */
  readonly tier: Tier;
  /** True where the payload is the answer of the provider's API, fetched by the worker. */
  readonly confirmed: boolean;
  /** What the event says about payments, canonically. */
  readonly facts: readonly PaymentFact[];
  /**
   * The provider's JSON, parsed, or its text where it sends none: the answer of
   * its API where the event was confirmed, else the notification. Not validated
   * beyond that.
   */
  readonly payload: unknown;
}

/** What a handler is given beside the event. `Tx` is the ledger's own transaction. */
export interface HandlerContext<Tx> {
  readonly event: HandledEvent;
  /**
   * Writes made here commit together with the event's "processed" mark, or not
   * at all. Nothing outside the database may be touched from a handler: it may
   * run again. Effects outside go through the outbox.
   */
  readonly tx: Tx;
  /** Writes a message into the outbox, in the same transaction. */
  readonly outbox: (message: {
    readonly topic: string;
    readonly key: string;
    readonly payload: unknown;
  }) => Promise<void>;
  /** Aborted when the handler's time is up. A worker that stops lets its handlers finish. */
  readonly signal: AbortSignal;
}

/** Which events: a canonical type, a provider's own (`stripe:invoice.paid`), or all. */
export type HandlerPattern = CanonicalType | `${string}:${string}` | '*';

export interface Handler<Tx> {
  readonly name: string;
  readonly pattern: HandlerPattern;
  readonly run: (context: HandlerContext<Tx>) => Promise<void>;
}

/**
 * Declares a handler: `on('payment.captured', 'grant-credits', async ({ event, tx }) => …)`.
 * It runs once an event, after the fold, however many of its facts match.
 */
export function on<Tx>(pattern: HandlerPattern, name: string, run: Handler<Tx>['run']): Handler<Tx> {
  return { name, pattern, run };
}

/** Whether the pattern covers this event. */
export function covers(
  pattern: HandlerPattern,
  event: { readonly provider: string; readonly type: string; readonly canonicalTypes: readonly CanonicalType[] },
): boolean {
  if (pattern === '*') return true;
  return pattern === `${event.provider}:${event.type}` || event.canonicalTypes.some((type) => type === pattern);
}
