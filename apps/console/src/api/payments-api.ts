import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { disputeStatuses, paymentStatuses, payoutStatuses, refundStatuses } from '@penstock/core/payment-event';
import { listDisputes, listPayments, listPayouts, listRefunds } from '@penstock/db/list-payments';
import type { LedgerDatabase } from '@penstock/db/database';
import type { Context } from 'hono';
import { findPayment, type PaymentView } from '../find-payment.ts';
import { refuse, type ConsoleEnv } from '../respond.ts';
import { answerPage, cursors } from './page.ts';
import { identifierParameter, moneyQuery, paymentQuery } from './parameters.ts';
import { pageOf, readRoute } from './route.ts';
import * as schemas from './schemas.ts';
import { disputeView, paymentView, payoutView, refundView } from './views.ts';

const listed = { scope: 'payments:read' } as const;
const order = 'Ordered by `occurredAt`, newest first: what changes while one pages moves to the front.';

const paymentsRoute = readRoute({
  ...listed,
  path: '/api/payments',
  tag: 'Payments',
  summary: 'Payments',
  description: order,
  request: { query: paymentQuery(paymentStatuses) },
  answer: pageOf(schemas.paymentSchema),
});

const wanted = {
  params: z.object({
    id: identifierParameter.openapi({ description: 'Any id that an event named', example: 'ch_123' }),
  }),
  query: z.strictObject({
    account: identifierParameter.optional().openapi({ description: 'Where accounts share ids' }),
  }),
};

const paymentRoute = readRoute({
  ...listed,
  path: '/api/payments/{id}',
  tag: 'Payments',
  summary: 'One payment with its refunds, disputes and timeline',
  request: wanted,
  answer: schemas.wholePaymentSchema,
});

const timelineRoute = readRoute({
  ...listed,
  path: '/api/payments/{id}/timeline',
  tag: 'Payments',
  summary: "A payment's events, in the order they happened",
  request: wanted,
  answer: z.object({ data: z.array(schemas.timelineEntrySchema) }),
});

const refundsRoute = readRoute({
  ...listed,
  path: '/api/refunds',
  tag: 'Refunds, disputes, payouts',
  summary: 'Refunds',
  description: order,
  request: { query: paymentQuery(refundStatuses) },
  answer: pageOf(schemas.refundSchema),
});

const disputesRoute = readRoute({
  ...listed,
  path: '/api/disputes',
  tag: 'Refunds, disputes, payouts',
  summary: 'Disputes',
  description: `One that is about several payments is told once for each. ${order}`,
  request: { query: paymentQuery(disputeStatuses) },
  answer: pageOf(schemas.disputeSchema),
});

const payoutsRoute = readRoute({
  ...listed,
  path: '/api/payouts',
  tag: 'Refunds, disputes, payouts',
  summary: 'Payouts',
  description: order,
  request: { query: moneyQuery(payoutStatuses) },
  answer: pageOf(schemas.payoutSchema),
});

/** Payments and their parts. */
export function addPaymentReads(api: OpenAPIHono<ConsoleEnv>, reads: LedgerDatabase): void {
  api.openapi(paymentsRoute, async (context) => {
    const query = context.req.valid('query');
    const answer = await answerPage(context, {
      query,
      key: cursors.payment,
      read: (page) => listPayments(reads, query, page),
      keyOf: (row) => [row.occurred_at, row.key],
      view: paymentView,
    });
    return answer.page === undefined ? answer.refusal : context.json(answer.page, 200);
  });
  api.openapi(paymentRoute, async (context) => {
    const payment = await onePayment(context, reads, {
      id: context.req.valid('param').id,
      account: context.req.valid('query').account,
    });
    return payment instanceof Response ? payment : context.json(payment, 200);
  });
  api.openapi(timelineRoute, async (context) => {
    const payment = await onePayment(context, reads, {
      id: context.req.valid('param').id,
      account: context.req.valid('query').account,
    });
    return payment instanceof Response ? payment : context.json({ data: payment.timeline }, 200);
  });
  api.openapi(refundsRoute, async (context) => {
    const query = context.req.valid('query');
    const answer = await answerPage(context, {
      query,
      key: cursors.part,
      read: (page) => listRefunds(reads, query, page),
      keyOf: (row) => [row.occurred_at, row.account, row.id],
      view: refundView,
    });
    return answer.page === undefined ? answer.refusal : context.json(answer.page, 200);
  });
  api.openapi(disputesRoute, async (context) => {
    const query = context.req.valid('query');
    const answer = await answerPage(context, {
      query,
      key: cursors.dispute,
      read: (page) => listDisputes(reads, query, page),
      keyOf: (row) => [row.occurred_at, row.account, row.id, row.payment_key],
      view: disputeView,
    });
    return answer.page === undefined ? answer.refusal : context.json(answer.page, 200);
  });
  api.openapi(payoutsRoute, async (context) => {
    const query = context.req.valid('query');
    const answer = await answerPage(context, {
      query,
      key: cursors.part,
      read: (page) => listPayouts(reads, query, page),
      keyOf: (row) => [row.occurred_at, row.account, row.id],
      view: payoutView,
    });
    return answer.page === undefined ? answer.refusal : context.json(answer.page, 200);
  });
}

/** The payment, or why there is not one. */
async function onePayment(
  context: Context<ConsoleEnv>,
  reads: LedgerDatabase,
  wantedPayment: { readonly id: string; readonly account: string | undefined },
): Promise<PaymentView | Response> {
  const finding = await findPayment(reads, wantedPayment);
  switch (finding.kind) {
    case 'found':
      return finding.payment;
    case 'unknown':
      return refuse(context, { kind: 'payment_unknown' });
    case 'ambiguous':
      return refuse(context, { kind: 'payment_ambiguous', matches: finding.matches });
  }
}
