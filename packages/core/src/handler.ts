import type { PaymentFamily, PayoutState } from './payment.ts';
import type { CanonicalType, PaymentFact } from './payment-event.ts';
import type { StripePayload } from './providers/stripe/event-types.ts';
import type { Delivery } from './delivery.ts';

/** The event a handler is told about. */
export interface HandledEvent<Payload = unknown> {
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
  readonly tier: Delivery['tier'];
  /** True where the payload is the answer of the provider's API, fetched by the worker. */
  readonly confirmed: boolean;
  /** What the event says about payments, canonically. */
  readonly facts: readonly PaymentFact[];
  /**
   * The provider's JSON, parsed, or its text where it sends none: the answer of
   * its API where the event was confirmed, else the notification. Not validated
   * beyond that.
   */
  readonly payload: Payload;
}

/** A payment as it stands with this event, with its refunds and disputes. */
export interface HandledPayment extends PaymentFamily {
  /** The row's key in `payments`. */
  readonly key: number;
}

/** A message for the outbox: an effect outside the database. */
export interface OutboxMessage {
  /** What destinations subscribe to, e.g. `credits.granted`. */
  readonly topic: string;
  /** What it is about, e.g. a payment's id. */
  readonly key: string;
  /** JSON. */
  readonly payload: unknown;
}

/** Writes lines that carry the event's ids, the request's id and the handler's name. Payloads are not for logs. */
export type HandlerLog = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: Readonly<Record<string, unknown>>) => void>
>;

/** What a handler is given. `Tx` is the ledger's own transaction. */
export interface HandlerContext<Tx, Pattern extends HandlerPattern = HandlerPattern> {
  readonly event: HandledEvent<PayloadOf<Pattern>>;
  /** The payment the event is about, refunds and disputes included; the first where there are several. */
  readonly payment: PaymentOf<Pattern>;
  /** Every payment the event is about: a dispute at PayPal can be about several. */
  readonly payments: readonly HandledPayment[];
  readonly payouts: readonly PayoutState[];
  /**
   * Writes made here commit together with the mark that this handler is done
   * with the event, or not at all. Nothing outside the database may be touched
   * from a handler: it may run again. Effects outside go through the outbox.
   */
  readonly tx: Tx;
  /** Writes a message into the outbox, in the same transaction. */
  readonly outbox: (message: OutboxMessage) => Promise<void>;
  readonly log: HandlerLog;
  /** Aborted when the handler's time is up. A worker that stops lets its handlers finish. */
  readonly signal: AbortSignal;
}

type Subject = 'payment' | 'refund' | 'dispute' | 'payout';

/**
 * Which events: a canonical type (`payment.captured`), all of one subject
 * (`refund.*`), a provider's own type (`stripe:invoice.paid`), those that begin
 * alike (`stripe:invoice.*`, `stripe:*`), or all (`*`).
 */
export type HandlerPattern = CanonicalType | `${Subject}.*` | `${string}:${string}` | '*';

/** What is known of the payload from the pattern alone. */
export type PayloadOf<Pattern extends HandlerPattern> = Pattern extends `stripe:${infer Type}`
  ? StripePayload<Type>
  : unknown;

/** There is a payment wherever the pattern names a payment, a refund or a dispute. */
export type PaymentOf<Pattern extends HandlerPattern> = Pattern extends `${'payment' | 'refund' | 'dispute'}.${string}`
  ? HandledPayment
  : HandledPayment | null;

/** Code of the user's that runs for every event its pattern covers. */
export interface Handler<Tx> {
  /** Unique in the configuration; names the handler in the ledger, so it stays when the code changes. */
  readonly name: string;
  /** Recorded with every run; raise it when the handler means something else from now on. */
  readonly version: number;
  readonly pattern: HandlerPattern;
  /** `HANDLER_MS` where it is null. */
  readonly timeoutMs: number | null;
  // A method, so that a handler of one pattern is a handler: `covers` has seen to it that the context fits.
  run(context: HandlerContext<Tx>): Promise<void>;
}

/** What a handler may say of itself beside its pattern. */
export interface HandlerOptions {
  readonly name?: string;
  readonly version?: number;
  readonly timeoutMs?: number;
}

/** Declares a handler; see {@link handlersFor}. */
export interface On<Tx> {
  <const Pattern extends HandlerPattern>(
    pattern: Pattern,
    run: (context: HandlerContext<Tx, Pattern>) => Promise<void>,
  ): Handler<Tx>;
  <const Pattern extends HandlerPattern>(
    pattern: Pattern,
    options: string | HandlerOptions,
    run: (context: HandlerContext<Tx, Pattern>) => Promise<void>,
  ): Handler<Tx>;
}

/**
 * The `on` of one kind of transaction: `on('payment.captured', 'grant-credits',
 * async ({ payment, tx }) => …)`. The name may be left out where the pattern is
 * used once, and is then the pattern in kebab-case. The handler runs once an
 * event, after the fold, however many of its facts match.
 */
export function handlersFor<Tx>(): On<Tx> {
  return <const Pattern extends HandlerPattern>(
    pattern: Pattern,
    ...rest:
      | readonly [run: (context: HandlerContext<Tx, Pattern>) => Promise<void>]
      | readonly [string | HandlerOptions, (context: HandlerContext<Tx, Pattern>) => Promise<void>]
  ): Handler<Tx> => {
    const [given, run] = rest.length === 1 ? [{}, rest[0]] : rest;
    const {
      name = nameOf(pattern),
      version = 1,
      timeoutMs = null,
    } = typeof given === 'string' ? { name: given } : given;
    const handler: PatternHandler<Tx, Pattern> = { name, version, pattern, timeoutMs, run };
    return handler;
  };
}

interface PatternHandler<Tx, Pattern extends HandlerPattern> extends Omit<Handler<Tx>, 'run'> {
  run(context: HandlerContext<Tx, Pattern>): Promise<void>;
}

/** `stripe:invoice.paid` → `stripe-invoice-paid`. */
function nameOf(pattern: string): string {
  const words = pattern.toLowerCase().match(/[a-z0-9]+/g) ?? ['every', 'event'];
  return words.join('-');
}

/** Whether the pattern covers this event. */
export function covers(
  pattern: string,
  event: { readonly provider: string; readonly type: string; readonly canonicalTypes: readonly CanonicalType[] },
): boolean {
  if (pattern === '*') return true;
  const names = [`${event.provider}:${event.type}`, ...event.canonicalTypes];
  if (/[.:]\*$/.test(pattern)) return names.some((name) => name.startsWith(pattern.slice(0, -1)));
  return names.includes(pattern);
}
