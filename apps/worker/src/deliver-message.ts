import { BrokenCircuitError } from 'cockatiel';
import * as z from 'zod';
import { signStandardWebhooksRequest } from '@penstock/core/providers/standard-webhooks/sign';
import { backoffMs } from '@penstock/core/retry-policy';
import type { LedgerDatabase } from '@penstock/db/database';
import { findMessage } from '@penstock/db/outbox';
import { findDelivery, recordDeliveryAttempt, type OutboxDelivery } from '@penstock/db/outbox-deliveries';
import { sendWebhook, type SendResult } from '@penstock/runtime/send-webhook';
import type { JobVerdict, QueuedJob } from '@penstock/runtime/webhook-consumer';
import { version } from '@penstock/runtime/version';
import { DeliveryFailed, type OpenDestination } from './destinations.ts';

/** What delivering needs of the world. */
export interface DeliverWorld {
  readonly db: LedgerDatabase;
  readonly destinations: ReadonlyMap<string, OpenDestination>;
  readonly now: () => Date;
  /** Of a clock that only goes forward. */
  readonly elapsedMs: () => number;
  readonly after: (milliseconds: number, ring: () => void) => () => void;
  /** Sends within a span and hands over what it belongs to (W3C Trace Context). */
  readonly sending: (
    message: { readonly traceparent: string | null; readonly destination: string; readonly url: URL },
    send: (traceparent: string | undefined) => Promise<SendResult>,
  ) => Promise<SendResult>;
  /** Told after the answer and before it is recorded; where a test ends the process. */
  readonly afterSend?: () => void;
}

/** What became of one attempt to deliver a message, for the log. */
export interface Delivered {
  readonly delivery: OutboxDelivery | null;
  readonly outcome: 'delivered' | 'retry' | 'dead' | 'waits' | 'nothing';
  readonly status: number | null;
  readonly error: string | null;
  readonly verdict: JobVerdict;
}

/** How soon a message looks again that waits for the one before it; then ever later, in step with how long it has waited. */
const ORDER_MS = 200;
const ORDER_MS_MAX = 10_000;

/**
 * One message on its way to one destination: take, wait for its turn, sign,
 * send, judge, record. Sent and not yet recorded is sent again, under the same
 * id: at least once, and the receiver can tell. What has to wait costs one
 * statement and loads nothing.
 */
export async function deliverMessage(job: QueuedJob, world: DeliverWorld): Promise<Delivered> {
  const { id } = jobSchema.parse(job.data);
  const delivery = await findDelivery(world.db, id);
  if (delivery === undefined || delivery.state === 'delivered' || delivery.state === 'dead')
    return nothing(delivery ?? null);
  const destination = world.destinations.get(delivery.destination);
  if (destination === undefined) return end(world, delivery, { status: null, error: UNKNOWN });
  const { turns } = destination;
  const enteredMs = world.elapsedMs();
  const delayMs = turns.ask(enteredMs);
  if (delayMs > 0) return waits(delivery, delayMs);
  // Asked only now, for by its turn what came before it has mostly ended.
  if (delivery.behindMs !== null)
    return waits(delivery, Math.ceil(Math.min(Math.max(ORDER_MS, delivery.behindMs / 4), ORDER_MS_MAX)));
  turns.enter(enteredMs);
  try {
    return await attemptDelivery(world, { delivery, destination });
  } catch (error) {
    if (!(error instanceof BrokenCircuitError)) throw error;
    turns.rest(world.elapsedMs(), destination.openMs);
    return waits(delivery, turns.ask(world.elapsedMs()));
  } finally {
    turns.leave(world.elapsedMs(), enteredMs);
  }
}

const UNKNOWN = 'the configuration has no such destination any more';

async function attemptDelivery(
  world: DeliverWorld,
  { delivery, destination }: { readonly delivery: OutboxDelivery; readonly destination: OpenDestination },
): Promise<Delivered> {
  const message = await findMessage(world.db, delivery.outboxId);
  if (message === undefined) return end(world, delivery, { status: null, error: UNKNOWN });
  const content = bodyOf(destination, message);
  if (content === null)
    return end(world, delivery, { status: null, error: "the event's own bytes are past their retention" });
  const waitMs = destination.turns.begin(world.elapsedMs());
  if (waitMs > 0) await new Promise<void>((resolve) => void world.after(waitMs, resolve));
  const result = await send(destination, { delivery, content }, world);
  world.afterSend?.();
  return judge(world, { delivery, destination, result });
}

const jobSchema = z.object({ id: z.int().positive() });

type Message = NonNullable<Awaited<ReturnType<typeof findMessage>>>;

async function send(
  destination: OpenDestination,
  { delivery, content }: { readonly delivery: OutboxDelivery; readonly content: Content },
  world: DeliverWorld,
): Promise<SendResult> {
  const { body, contentType } = content;
  const signed = signStandardWebhooksRequest({
    body,
    secrets: destination.secrets,
    id: `msg_${delivery.id}`,
    signedAt: world.now(),
    family: 'webhook',
  });
  const headers = { ...signed, 'content-type': contentType, 'user-agent': `penstock/${version}` };
  const { url, timeoutMs, guard } = destination;
  let result: SendResult = { kind: 'failed', reason: 'nothing was sent' };
  try {
    await destination.breaker.execute(async () => {
      result = await world.sending({ ...delivery, url }, (traceparent) => {
        const traced = traceparent === undefined ? headers : { ...headers, traceparent };
        return sendWebhook({ url, headers: traced, body, timeoutMs, guard });
      });
      if (!isDelivered(result)) throw new DeliveryFailed();
    });
  } catch (error) {
    if (!(error instanceof DeliveryFailed)) throw error;
  }
  return result;
}

interface Content {
  readonly body: Buffer;
  readonly contentType: string;
}

function bodyOf(destination: OpenDestination, message: Message): Content | null {
  if (destination.shape === 'raw' && message.kind === 'event')
    return message.body === null
      ? null
      : { body: message.body, contentType: message.content_type ?? 'application/octet-stream' };
  const { topic: type, created_at: at, payload: data } = message;
  return {
    body: Buffer.from(JSON.stringify({ type, timestamp: at.toISOString(), data })),
    contentType: 'application/json',
  };
}

function isDelivered(result: SendResult): boolean {
  return result.kind === 'answered' && result.status >= 200 && result.status < 300;
}

async function judge(
  world: DeliverWorld,
  attempt: {
    readonly delivery: OutboxDelivery;
    readonly destination: OpenDestination;
    readonly result: SendResult;
  },
): Promise<Delivered> {
  const { delivery, destination, result } = attempt;
  const status = result.kind === 'answered' ? result.status : null;
  if (isDelivered(result)) {
    await recordDeliveryAttempt(world.db, delivery.id, { state: 'delivered', status, error: null });
    return { delivery, outcome: 'delivered', status, error: null, verdict: { kind: 'done', outcome: 'delivered' } };
  }
  const error = result.kind === 'answered' ? `answered ${result.status}` : result.reason;
  // 410 says that nothing will ever be wanted there (Standard Webhooks 1.0.0).
  if (status === 410 || delivery.attempts + 1 >= destination.attempts) return end(world, delivery, { status, error });
  await recordDeliveryAttempt(world.db, delivery.id, { state: 'queued', status, error });
  const asked = result.kind === 'answered' ? retryAfterMs(result.retryAfter, world.now()) : null;
  const delayMs =
    asked ??
    backoffMs({
      attempt: delivery.attempts + 1,
      seed: `delivery-${delivery.id}`,
      baseMs: destination.retryMs,
      mostMs: PAUSE_MS_MAX,
    });
  return { delivery, outcome: 'retry', status, error, verdict: { kind: 'retry', delayMs, error: new Error(error) } };
}

/** No pause is longer, whoever asks for it. */
const PAUSE_MS_MAX = 6 * 3_600_000;

/** Retry-After as seconds or as an HTTP date (RFC 9110, 10.2.3); null where it says nothing usable. */
function retryAfterMs(header: string | null, now: Date): number | null {
  if (header === null) return null;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now.getTime();
  return Number.isNaN(ms) || ms < 0 ? null : Math.min(ms, PAUSE_MS_MAX);
}

async function end(
  world: DeliverWorld,
  delivery: OutboxDelivery,
  why: { readonly status: number | null; readonly error: string },
): Promise<Delivered> {
  await recordDeliveryAttempt(world.db, delivery.id, { state: 'dead', ...why });
  return { delivery, outcome: 'dead', ...why, verdict: { kind: 'dead', error: new Error(why.error) } };
}

function waits(delivery: OutboxDelivery, delayMs: number): Delivered {
  return { delivery, outcome: 'waits', status: null, error: null, verdict: { kind: 'postpone', delayMs } };
}

function nothing(delivery: OutboxDelivery | null): Delivered {
  return { delivery, outcome: 'nothing', status: null, error: null, verdict: { kind: 'done', outcome: 'nothing' } };
}
