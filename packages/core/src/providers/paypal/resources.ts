import * as z from 'zod';

/**
 * The fields of PayPal's resources that translation reads, as PayPal's openapi
 * documents them (payments v2, orders v2, disputes v1, payouts v1) and, for the
 * sales and captures of the v1 API, as its webhook simulator sends them.
 * Everything else is let through unread; a field that some version leaves out
 * is optional.
 */

const id = z.string().nullish();

/** v2 names `value` and `currency_code`, v1 `total` and `currency`, payouts and old disputes `value` and `currency`. */
const money = z
  .object({
    value: z.string().optional(),
    total: z.string().optional(),
    currency_code: z.string().optional(),
    currency: z.string().optional(),
  })
  .nullish()
  .transform((written, context) => {
    if (written === null || written === undefined) return undefined;
    const decimal = written.value ?? written.total;
    const currency = written.currency_code ?? written.currency;
    if (decimal !== undefined && currency !== undefined) return { decimal, currency: currency.toUpperCase() };
    context.addIssue('must name an amount and its currency');
    return z.NEVER;
  });
export type PayPalMoney = NonNullable<z.output<typeof money>>;

/** Upper case: v1 writes states in lower case. */
const status = z
  .string()
  .nullish()
  .transform((written) => written?.toUpperCase());

const times = { create_time: z.string().nullish(), update_time: z.string().nullish() };

const links = z.array(z.object({ href: z.string(), rel: z.string() })).nullish();

const relations = {
  supplementary_data: z
    .object({ related_ids: z.object({ order_id: id, authorization_id: id, capture_id: id }).nullish() })
    .nullish(),
  links,
  sale_id: id,
  capture_id: id,
};

/** A capture, a sale or an authorization. */
export const transactionSchema = z.object({
  id: z.string(),
  ...times,
  ...relations,
  status,
  state: status,
  amount: money,
  status_details: z.object({ reason: z.string().nullish() }).nullish(),
  reason_code: z.string().nullish(),
});
export type PayPalTransaction = z.output<typeof transactionSchema>;

export const refundSchema = z.object({
  id: z.string(),
  ...times,
  ...relations,
  status,
  state: status,
  amount: money,
  seller_payable_breakdown: z.object({ total_refunded_amount: money }).nullish(),
  total_refunded_amount: money,
  status_details: z.object({ reason: z.string().nullish() }).nullish(),
});
export type PayPalRefund = z.output<typeof refundSchema>;

const transactions = z.array(transactionSchema).nullish();

/** CHECKOUT.PAYMENT-APPROVAL.REVERSED names the order `order_id`. */
export const orderSchema = z
  .object({
    id,
    order_id: id,
    ...times,
    purchase_units: z
      .array(
        z.object({
          amount: money,
          payments: z.object({ captures: transactions, authorizations: transactions }).nullish(),
        }),
      )
      .nullish(),
  })
  .refine((order) => typeof (order.id ?? order.order_id) === 'string', { path: ['id'] });
export type PayPalOrder = z.output<typeof orderSchema>;

export const disputeSchema = z.object({
  dispute_id: z.string(),
  ...times,
  status,
  reason: z.string().nullish(),
  dispute_amount: money,
  dispute_outcome: z.object({ outcome_code: z.string().nullish() }).nullish(),
  disputed_transactions: z.array(z.object({ seller_transaction_id: id })).nullish(),
  /** RISK.DISPUTE.CREATED: the only transaction it names. */
  seller_payment_id: id,
});
export type PayPalDispute = z.output<typeof disputeSchema>;

export const payoutItemSchema = z.object({
  payout_item_id: z.string(),
  payout_item: z.object({ amount: money }).nullish(),
  errors: z.object({ name: z.string().nullish() }).nullish(),
});
