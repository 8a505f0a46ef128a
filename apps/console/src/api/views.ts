import type { z } from '@hono/zod-openapi';
import type { TakenDelivery } from '@penstock/db/deliveries';
import type { disputesOfPayment } from '@penstock/db/disputes';
import type { listCollisions, listOutboxDeliveries } from '@penstock/db/list-outbox';
import type { attemptsOf, findEventBody, listEvents } from '@penstock/db/list-events';
import type { listDisputes, listPayments, listPayouts, listRefunds } from '@penstock/db/list-payments';
import type { refundsOfPayment } from '@penstock/db/refunds';
import type { timelineOfPayment } from '@penstock/db/timeline';
import { isUtf8 } from 'node:buffer';
import type * as schemas from './schemas.ts';

/** Rows as they are told: camel case, times in ISO 8601, numbers of rows as text, for they outgrow what JSON readers count. */

type RowOf<Query extends (...given: never[]) => Promise<readonly unknown[]>> = Awaited<ReturnType<Query>>[number];
type Told<Schema extends z.ZodType> = z.infer<Schema>;

export function paymentView(row: RowOf<typeof listPayments>): Told<typeof schemas.paymentSchema> {
  return {
    id: row.id,
    account: row.account,
    provider: row.provider,
    status: row.status,
    amount: row.amount,
    currency: row.currency,
    amountCaptured: row.amount_captured,
    amountRefunded: row.amount_refunded,
    refundState: row.refund_state,
    disputeState: row.dispute_state,
    failureCode: row.failure_code,
    conflict: row.conflict,
    needsFetch: row.needs_fetch,
    ...versionView(row),
  };
}

export function wholePaymentView(
  row: RowOf<typeof listPayments>,
  parts: {
    readonly refunds: readonly RowOf<typeof refundsOfPayment>[];
    readonly disputes: readonly RowOf<typeof disputesOfPayment>[];
    readonly timeline: readonly RowOf<typeof timelineOfPayment>[];
    /** How often, and when, each event of the timeline was sent. */
    readonly sent: ReadonlyMap<number, readonly TakenDelivery[]>;
  },
): Told<typeof schemas.wholePaymentSchema> {
  return {
    ...paymentView(row),
    refunds: parts.refunds.map((refund) => ({ ...moneyView(refund), status: refund.status })),
    disputes: parts.disputes.map((dispute) => ({
      ...moneyView(dispute),
      status: dispute.status,
      funds: dispute.funds,
    })),
    timeline: parts.timeline.map((entry) => timelineEntryView(entry, parts.sent.get(entry.event_id) ?? [])),
  };
}

function timelineEntryView(
  row: RowOf<typeof timelineOfPayment>,
  sent: readonly TakenDelivery[],
): Told<typeof schemas.timelineEntrySchema> {
  return {
    canonicalType: row.canonical_type,
    type: row.type ?? row.canonical_type,
    bodyKept: row.type !== null,
    eventId: row.provider_event_id,
    endpoint: row.endpoint,
    occurredAt: row.occurred_at.toISOString(),
    receivedAt: row.received_at.toISOString(),
    tier: row.tier,
    keyId: row.key_id,
    requestId: row.request_id,
    state: row.state,
    finishedAt: timeOf(row.finished_at),
    deliveries: sent.map(deliveryView),
    fact: row.fact,
  };
}

function deliveryView({ receivedAt, kind, requestId, keyId }: TakenDelivery): Told<typeof schemas.deliverySchema> {
  return { receivedAt: receivedAt.toISOString(), kind, requestId, keyId };
}

export function refundView(row: RowOf<typeof listRefunds>): Told<typeof schemas.refundSchema> {
  return { ...moneyView(row), status: row.status, account: row.account, provider: row.provider, payment: row.payment };
}

export function disputeView(row: RowOf<typeof listDisputes>): Told<typeof schemas.disputeSchema> {
  return {
    ...moneyView(row),
    status: row.status,
    funds: row.funds,
    account: row.account,
    provider: row.provider,
    payment: row.payment,
  };
}

export function payoutView(row: RowOf<typeof listPayouts>): Told<typeof schemas.payoutSchema> {
  return {
    id: row.id,
    account: row.account,
    provider: row.provider,
    status: row.status,
    amount: row.amount,
    currency: row.currency,
    failureCode: row.failure_code,
    ...versionView(row),
  };
}

export function eventView(row: RowOf<typeof listEvents>): Told<typeof schemas.eventSchema> {
  return {
    id: String(row.id),
    account: row.account,
    provider: row.provider,
    endpoint: row.endpoint,
    eventId: row.provider_event_id,
    state: row.state,
    attempts: row.attempts,
    receivedAt: row.received_at.toISOString(),
    finishedAt: timeOf(row.finished_at),
    failure:
      row.failure_code === null
        ? null
        : {
            code: row.failure_code,
            message: row.failure_message,
            fingerprint: row.failure_fingerprint,
            reason: row.failure_reason,
          },
    requestId: row.request_id,
    bodySha256: row.body_sha256.toString('hex'),
    type: row.type,
    shape: row.shape,
    occurredAt: timeOf(row.occurred_at),
    livemode: row.livemode,
    apiVersion: row.api_version,
    tier: row.tier,
    keyId: row.key_id,
    origin: row.origin,
  };
}

export function wholeEventView(
  row: RowOf<typeof listEvents>,
  {
    attempts,
    sent,
  }: { readonly attempts: readonly RowOf<typeof attemptsOf>[]; readonly sent: readonly TakenDelivery[] },
): Told<typeof schemas.wholeEventSchema> {
  return {
    ...eventView(row),
    deliveries: sent.map(deliveryView),
    failedAttempts: attempts.map((attempt) => ({
      attempt: attempt.attempt,
      failedAt: attempt.failed_at.toISOString(),
      durationMs: attempt.duration_ms,
      code: attempt.code,
      message: attempt.message,
      fingerprint: attempt.fingerprint,
      retryInMs: attempt.retry_in_ms,
      handler: attempt.handler,
    })),
  };
}

export function payloadView(
  id: number,
  row: NonNullable<Awaited<ReturnType<typeof findEventBody>>>,
): Told<typeof schemas.payloadSchema> {
  return {
    id: String(id),
    contentType: row.content_type,
    sha256: row.body_sha256.toString('hex'),
    bytes: row.body.length,
    base64: row.body.toString('base64'),
    text: isUtf8(row.body) ? row.body.toString('utf8') : null,
  };
}

export function outboxView(row: RowOf<typeof listOutboxDeliveries>): Told<typeof schemas.outboxSchema> {
  return {
    id: String(row.id),
    event: String(row.ledger_id),
    destination: row.destination,
    kind: row.kind,
    topic: row.topic,
    key: row.key,
    orderKey: row.order_key,
    state: row.state,
    attempts: row.attempts,
    lastStatus: row.last_status,
    lastError: row.last_error,
    createdAt: row.created_at.toISOString(),
    touchedAt: row.touched_at.toISOString(),
    finishedAt: timeOf(row.finished_at),
  };
}

export function collisionView(row: RowOf<typeof listCollisions>): Told<typeof schemas.collisionSchema> {
  return {
    id: String(row.id),
    event: String(row.ledger_id),
    kind: row.kind,
    account: row.account,
    endpoint: row.endpoint,
    eventId: row.provider_event_id,
    type: row.type,
    tier: row.tier,
    keyId: row.key_id,
    requestId: row.request_id,
    receivedAt: row.received_at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    bodySha256: row.body_sha256.toString('hex'),
  };
}

/** What refunds and disputes have in common but for the status. */
function moneyView(row: RowOf<typeof refundsOfPayment> | RowOf<typeof disputesOfPayment>) {
  return { id: row.id, amount: row.amount, currency: row.currency, reason: row.reason, ...versionView(row) };
}

function versionView(row: { readonly version: number; readonly occurred_at: Date; readonly updated_at: Date }) {
  return {
    version: row.version,
    occurredAt: row.occurred_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

function timeOf(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
