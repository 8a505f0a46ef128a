import type { Delivery } from '@penstock/core/delivery';
import { failureClassOf } from '@penstock/core/failure-class';
import type { HandlerLog } from '@penstock/core/handler';
import type { TimedStatement } from '@penstock/db/database';
import type { Logger } from '@penstock/runtime/logger';
import type { Metrics } from '@penstock/runtime/metrics';
import { observeStatement } from '@penstock/runtime/observe-database';
import { readTraceparent, traceIdOf } from '@penstock/runtime/trace-context';
import { spanOfStatement } from '@penstock/runtime/trace-statement';
import type { Tracing } from '@penstock/runtime/tracing';
import { countDeathOfUnknown, countProcessed, isHandlers } from './count-processed.ts';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import type { Delivered } from './deliver-message.ts';
import type { StorageKept } from './keep-storage.ts';
import type { Moved } from './move-replays.ts';
import { createProviderEvents } from './provider-events.ts';
import type { Processed } from './process-webhook.ts';
import type { HandlerLine, HandlerOutcome } from './run-handlers.ts';
import type { CanaryFlight } from './send-canary.ts';
import { createSpans } from './spans.ts';
import type { Swept } from './sweep.ts';

/** The only place in the worker that touches logger, metrics and spans: one function a business event. */
export function createWorkerEvents({
  logger,
  metrics,
  tracing,
  queueName,
}: {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly queueName: string;
}) {
  return {
    ...createSpans(tracing, queueName),
    ...createProviderEvents({ logger, metrics, tracing }),

    /** Every statement of the ledger's, whether or not it succeeded. */
    statementEnded: (statement: TimedStatement): void => {
      observeStatement(metrics, statement);
      if (statement.errorCode !== null || tracing.isRecording()) tracing.ended(spanOfStatement(statement));
    },

    /** Every attempt at every job, whatever became of it: one wide line. */
    webhookProcessed: (
      job: QueuedJob,
      processed: Processed,
      timing: { readonly durationMs: number; readonly now: Date },
    ): void => {
      const line = {
        jobId: job.jobId,
        ...idsOf(job.data),
        attempt: job.attempt,
        durationMs: Math.round(timing.durationMs * 100) / 100,
        ...describe(processed),
      };
      countProcessed(metrics, processed, { number: job.attempt, replayed: job.replayed === true, now: timing.now });
      switch (processed.kind) {
        case 'ended':
          if (processed.outcome === 'collision')
            logger.error(line, 'collision: another body under a known id was put aside');
          else logger.info(line, 'webhook processed');
          return;
        case 'failed':
          if (processed.next.kind === 'dead')
            logger.error({ ...line, error: processed.error }, 'webhook is dead: it will not be retried by itself');
          else logger.warn({ ...line, error: processed.error }, 'webhook attempt failed');
          return;
        case 'unreadable':
          logger.error({ ...line, error: processed.error }, 'job is not a delivery; it stays in the failed set');
          return;
        case 'unconfirmed':
          logger.warn(line, "the provider's API is away; the webhook is stored and waits without losing an attempt");
          return;
        case 'outage':
          if (processed.failure.code === 'month_missing') {
            metrics.monthMissing.inc();
            logger.error(line, 'a month of the events was missing; the webhook waits without losing an attempt');
          } else logger.warn(line, 'the database is away; the webhook waits without losing an attempt');
      }
    },

    /** What a handler says for itself, with the ids of its event. */
    handlerLog: ({ traceparent, ...line }: HandlerLine): HandlerLog => {
      const child = logger.child({ ...line, traceId: traceIdOf(traceparent) });
      return {
        debug: (message, fields) => child.debug(fields ?? {}, message),
        info: (message, fields) => child.info(fields ?? {}, message),
        warn: (message, fields) => child.warn(fields ?? {}, message),
        error: (message, fields) => child.error(fields ?? {}, message),
      };
    },

    abandoned: (job: QueuedJob, reason: string): void => {
      countDeathOfUnknown(metrics, { code: 'job_abandoned', replayed: job.replayed === true });
      logger.error({ jobId: job.jobId, ...idsOf(job.data), reason }, 'webhook is dead: it lost its worker too often');
    },

    swept: ({ failures, ...swept }: Swept): void => {
      metrics.swept.inc({ outcome: 'recreated' }, swept.recreated);
      metrics.swept.inc({ outcome: 'marked_dead' }, swept.markedDead);
      metrics.swept.inc({ outcome: 'buried' }, swept.buried);
      metrics.swept.inc({ outcome: 'forgotten' }, swept.forgotten);
      metrics.swept.inc({ outcome: 'failed' }, swept.failed);
      if (swept.recreated + swept.markedDead + swept.buried + swept.forgotten > 0)
        logger.warn({ ...swept }, 'ledger and queue disagreed and were mended');
      for (const { jobId, failure } of failures)
        logger.error(
          { jobId, code: failure.code, reason: failure.message, failed: swept.failed },
          'an event could not be mended; the sweep went on with the others, and the next one tries again',
        );
    },

    canaryBegins: (now: Date): void => {
      metrics.canarySince.set(now.getTime() / 1_000);
    },

    canaryFlew: (flight: CanaryFlight, now: Date): void => {
      metrics.canaries.inc({ outcome: flight.kind });
      if (flight.kind === 'lost') {
        logger.error({ eventId: flight.eventId, reason: flight.reason }, 'a canary was lost');
        return;
      }
      metrics.canaryLastSuccess.set(now.getTime() / 1_000);
      metrics.canaryRoundTrip.set(flight.roundTripMs / 1_000);
      logger.debug({ ...flight }, 'a canary arrived');
    },

    canaryFailed: (error: unknown): void => {
      logger.error({ error }, 'a canary could not be sent; the next minute tries again');
    },

    sweepFailed: (error: unknown): void => {
      logger.error({ error }, 'the sweep failed; the next one tries again');
    },

    replayMoved: ({ replayId, moved, skipped }: Moved): void => {
      metrics.replayed.inc({ outcome: 'moved' }, moved);
      metrics.replayed.inc({ outcome: 'skipped' }, skipped);
      logger.info({ replayId, moved, skipped }, 'a replay gave events back to the workers');
    },

    replayFailed: (error: unknown): void => {
      logger.warn({ error }, 'a replay could not be moved; the next look tries again');
    },

    /** Every attempt to deliver a message that was more than waiting. */
    messageDelivered: ({ delivery, outcome, status, error }: Delivered, durationMs: number): void => {
      if (delivery === null || outcome === 'waits' || outcome === 'nothing') return;
      const { destination } = delivery;
      metrics.outboxDeliveries.inc({ destination, outcome });
      metrics.outboxDuration.observe({ destination }, durationMs / 1_000);
      const ids = { requestId: delivery.requestId, traceId: traceIdOf(delivery.traceparent ?? undefined) };
      const line = { ...ids, destination, deliveryId: delivery.id, attempt: delivery.attempts + 1, status, outcome };
      const timed = { ...line, durationMs: Math.round(durationMs * 100) / 100 };
      if (outcome === 'delivered') logger.info(timed, 'message delivered');
      else if (outcome === 'retry') logger.warn({ ...timed, reason: error }, 'message was not delivered');
      else logger.error({ ...timed, reason: error }, 'message is dead: it will not be sent again by itself');
    },

    outboxAge: (oldest: Date | null, now: Date): void => {
      metrics.outboxOldest.set(oldest === null ? 0 : Math.max(0, (now.getTime() - oldest.getTime()) / 1_000));
    },

    outboxRepaired: (messages: number): void => {
      if (messages > 0) logger.warn({ messages }, 'the second queue had lost messages; they were put back');
    },

    relayFailed: (error: unknown): void => {
      logger.warn({ error }, 'the outbox could not be relayed; the next look tries again');
    },

    keyUsesFailed: (error: unknown): void => {
      logger.warn({ error }, 'which signing keys were used could not be written; the next events tell it again');
    },

    /** Once an hour at every worker; retention at one of them. */
    storageKept: ({ created, ahead, oldest, retention }: StorageKept): void => {
      metrics.monthsAhead.set(ahead);
      if (oldest !== null) metrics.oldestMonth.set(oldest.getTime() / 1_000);
      if (created.length > 0) logger.info({ created, ahead }, 'months were made ahead');
      if (retention === null) return;
      const { dropped, rowsKept, busy, pruned } = retention;
      for (const { table } of dropped) metrics.monthsDropped.inc({ table });
      for (const [table, rows] of Object.entries(pruned)) metrics.rowsPruned.inc({ table }, rows);
      if (busy.length > 0) logger.warn({ busy }, 'months past their retention are in use; the next look tries again');
      if (dropped.length + Object.values(pruned).reduce((sum, rows) => sum + rows, 0) > 0)
        logger.info(
          { dropped: dropped.map(({ name }) => name), rowsKept, pruned },
          'what is past its retention was dropped; what is not finished stays',
        );
    },

    storageFailed: (error: unknown): void => {
      logger.error({ error }, 'the months could not be looked after; the next look tries again');
    },

    memoryExceeded: (facts: { readonly bytes: number; readonly memoryMbMax: number }): void => {
      logger.error(facts, 'this worker holds more memory than MEMORY_MB_MAX: it finishes what it has in hand and ends');
    },

    queueError: (error: Error): void => {
      logger.warn({ error }, 'the queue reported an error');
    },

    notDurable: (reason: string): void => {
      logger.warn({ reason }, 'queued events may be lost; production refuses to start like this');
    },

    started: (facts: {
      readonly healthUrl: string;
      readonly backend: string;
      readonly concurrency: number;
      readonly handlers: readonly string[];
    }): void => {
      logger.info(facts, 'taking webhooks');
    },

    stopping: (): void => {
      logger.info('stopping: finishing the webhooks that were begun');
    },

    /** Once all that was begun has ended. */
    gaveBack: (webhooks: number): void => {
      logger.info({ webhooks }, 'webhooks that were not begun went back to the queue');
    },
  };
}

function describe(processed: Processed): Record<string, unknown> {
  switch (processed.kind) {
    case 'ended':
      return { outcome: processed.outcome, ...identify(processed.delivery), ...tellHandlers(processed.handlers) };
    case 'failed':
      return {
        outcome: processed.next.kind,
        ...identify(processed.delivery),
        code: processed.failure.code,
        class: failureClassOf(processed.failure.code, { handler: isHandlers(processed) }),
        fingerprint: processed.failure.fingerprint,
        ...tellHandlers(processed.handlers),
        ...(processed.next.kind === 'retry'
          ? { retryInMs: processed.next.delayMs }
          : { reason: processed.next.reason }),
      };
    case 'unconfirmed':
      return {
        outcome: processed.kind,
        ...identify(processed.delivery),
        code: processed.failure.code,
        retryInMs: processed.delayMs,
      };
    case 'unreadable':
    case 'outage':
      return { outcome: processed.kind, code: processed.failure.code, reason: processed.failure.message };
  }
}

/** `{ "handlers": { "grant-credits": "done in 3 ms" } }`; nothing where none ran. */
function tellHandlers(outcomes: readonly HandlerOutcome[]): Record<string, unknown> {
  if (outcomes.length === 0) return {};
  return {
    handlers: Object.fromEntries(
      outcomes.map(({ handler, kind, durationMs }) => [handler, `${kind} in ${Math.round(durationMs)} ms`]),
    ),
  };
}

/** What every line tells, whether or not the job can be read. */
function idsOf(data: unknown): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return {};
  return {
    requestId: 'requestId' in data ? data.requestId : undefined,
    traceId: 'traceparent' in data ? traceIdOf(readTraceparent(data.traceparent)) : undefined,
  };
}

function identify(delivery: Delivery): Record<string, unknown> {
  return {
    endpoint: delivery.endpoint,
    eventId: delivery.eventId,
    type: delivery.type,
    origin: delivery.origin,
  };
}
