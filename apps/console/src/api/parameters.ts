import { z } from '@hono/zod-openapi';

/** What the lists are asked with. A parameter that is not known is refused: a filter misspelt must not answer everything. */

/** Printable ASCII: what providers' identifiers and our own names are made of. */
const identifier = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters');
const time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-03-01T12:00:00Z' })
  .transform((text) => new Date(text))
  .openapi({ type: 'string', format: 'date-time' });
const amount = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number of minor units')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 0 });

/** The event's number in the ledger: text to clients, a safe integer here. */
export const ledgerNumber = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, "must be an event's number in the ledger")
  .transform(Number)
  .openapi({ type: 'string', pattern: '^[1-9][0-9]{0,14}$' });

export const identifierParameter = identifier;

const paging = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(200))
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50, description: 'How many, at most' }),
  cursor: z
    .string()
    .max(2_000)
    .optional()
    .meta({ description: 'Where to go on: take the link `next` of the page before as it is' }),
};

/** How many a list holds where nobody says. */
export const LIMIT_DEFAULT = 50;

/** A list's parameters: paging, and these. */
export function listQuery<Shape extends z.ZodRawShape>(filters: Shape) {
  return z.strictObject({ ...filters, ...paging });
}

const range = {
  occurredFrom: time.optional().openapi({ description: 'From this time on' }),
  occurredTo: time.optional().openapi({ description: 'Before this time' }),
};

/** Parameters of the list of payouts. */
export function moneyQuery<Status extends string>(statuses: readonly [Status, ...Status[]]) {
  return listQuery(moneyFilters(statuses)).refine(hasCurrency, currencyMissing);
}

/** Parameters of the lists of payments, and of their refunds and disputes. */
export function paymentQuery<Status extends string>(statuses: readonly [Status, ...Status[]]) {
  return listQuery({
    ...moneyFilters(statuses),
    payment: identifier.optional().meta({ description: 'Any id that the payment goes by' }),
  }).refine(hasCurrency, currencyMissing);
}

/** An amount says nothing without its currency: 1000 is ten euros and a thousand yen. */
function hasCurrency(query: {
  readonly currency?: string | undefined;
  readonly amountFrom?: number | undefined;
  readonly amountTo?: number | undefined;
}): boolean {
  return query.currency !== undefined || (query.amountFrom === undefined && query.amountTo === undefined);
}
const currencyMissing = { path: ['currency'], message: 'is needed where an amount is searched for' };

function moneyFilters<Status extends string>(statuses: readonly [Status, ...Status[]]) {
  return {
    account: identifier.optional(),
    provider: identifier.optional(),
    status: z.enum(statuses).optional(),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'must be a three-letter ISO 4217 code')
      .optional(),
    amountFrom: amount.optional().openapi({ description: 'In minor units; takes `currency` beside it' }),
    amountTo: amount.optional().openapi({ description: 'In minor units; takes `currency` beside it' }),
    ...range,
  };
}

export const eventFilters = {
  account: identifier.optional(),
  provider: identifier.optional(),
  endpoint: identifier.optional(),
  type: identifier.optional().meta({ description: "The provider's own type", example: 'charge.succeeded' }),
  state: z
    .enum(['received', 'processed', 'ignored', 'dead', 'discarded'])
    .optional()
    .meta({ description: '`dead` lists the dead letters' }),
  fingerprint: identifier.optional().meta({ description: 'Of the last failure' }),
  eventId: identifier.optional().meta({ description: "The provider's id" }),
  payment: identifier.optional().meta({ description: 'Any id of a payment that the event tells about' }),
  receivedFrom: time.optional().openapi({ description: 'From this time on' }),
  receivedTo: time.optional().openapi({ description: 'Before this time' }),
};

export const outboxFilters = {
  destination: identifier.optional(),
  state: z.enum(['pending', 'queued', 'delivered', 'dead']).optional(),
  event: ledgerNumber.optional().openapi({ description: "The event's number in the ledger" }),
};

export const collisionFilters = {
  account: identifier.optional(),
  endpoint: identifier.optional(),
  kind: z.enum(['event_id', 'transmission_id']).optional(),
  event: ledgerNumber.optional().openapi({ description: "The event's number in the ledger" }),
};
