import type { Delivery } from '@penstock/core/delivery';
import { failureClassOf } from '@penstock/core/failure-class';
import { exponentOf } from '@penstock/core/money';
import type { MoneyMoved } from '@penstock/core/money-moved';
import type { Metrics } from '@penstock/runtime/metrics';
import { traceIdOf } from '@penstock/runtime/trace-context';
import type { Processed } from './process-webhook.ts';
import type { HandlerOutcome } from './run-handlers.ts';

interface Attempt {
  readonly number: number;
  readonly replayed: boolean;
  readonly now: Date;
}

/** Counts one attempt at a job; for events.ts alone. Called after its transaction, so that what is counted is committed. */
export function countProcessed(metrics: Metrics, processed: Processed, attempt: Attempt): void {
  switch (processed.kind) {
    case 'ended': {
      const { delivery, outcome } = processed;
      countEvent(metrics, delivery, outcome);
      countHandlers(metrics, processed.handlers);
      countMoney(metrics, delivery, processed.moved);
      if (outcome !== 'processed' && outcome !== 'ignored') return;
      countCommitted(metrics, delivery, attempt);
      // It was counted when it first ended.
      if (attempt.replayed) return;
      metrics.receivedToProcessed.observe(
        { ...endpointOf(delivery), attempt: attemptLabel(attempt.number) },
        secondsSinceReceipt(delivery, attempt.now),
        traceIdOf(delivery.traceparent),
      );
      return;
    }
    case 'failed': {
      const { delivery, next } = processed;
      metrics.failedAttempts.inc({ endpoint: delivery.endpoint, outcome: next.kind });
      countHandlers(metrics, processed.handlers);
      countMoney(metrics, delivery, processed.moved);
      countCommitted(metrics, delivery, attempt);
      if (next.kind === 'retry') return;
      countEvent(metrics, delivery, 'dead');
      countDeath(metrics, endpointOf(delivery), {
        code: processed.failure.code,
        replayed: attempt.replayed,
        handler: isHandlers(processed),
      });
      return;
    }
    case 'unreadable':
      countDeathOfUnknown(metrics, { code: processed.failure.code, replayed: attempt.replayed });
      return;
    case 'unconfirmed':
      metrics.failedAttempts.inc({ endpoint: processed.delivery.endpoint, outcome: 'postponed' });
      countCommitted(metrics, processed.delivery, attempt);
      return;
    case 'outage':
      metrics.failedAttempts.inc({ endpoint: 'unknown', outcome: 'postponed' });
  }
}

/** A job that ended for good without telling whose it was. */
export function countDeathOfUnknown(
  metrics: Metrics,
  death: { readonly code: string; readonly replayed: boolean },
): void {
  metrics.failedAttempts.inc({ endpoint: 'unknown', outcome: 'dead' });
  countDeath(metrics, { endpoint: 'unknown', provider: 'unknown' }, { ...death, handler: false });
}

/** Whether a handler's failure is what ended the attempt: any other ends it before a handler has an outcome. */
export function isHandlers({ handlers }: Extract<Processed, { kind: 'failed' }>): boolean {
  return handlers.some(({ kind }) => kind === 'failed');
}

function countDeath(
  metrics: Metrics,
  endpoint: { readonly endpoint: string; readonly provider: string },
  { code, replayed, handler }: { readonly code: string; readonly replayed: boolean; readonly handler: boolean },
): void {
  metrics.deadLetters.inc({
    ...endpoint,
    class: failureClassOf(code, { handler }),
    code: metrics.codeLabel(code),
    replayed: String(replayed),
  });
}

function countEvent(metrics: Metrics, delivery: Delivery, outcome: string): void {
  metrics.events.inc({ ...endpointOf(delivery), type: metrics.typeLabel(delivery), outcome });
}

function countHandlers(metrics: Metrics, handlers: readonly HandlerOutcome[]): void {
  for (const { handler, kind, durationMs } of handlers)
    metrics.handlerDuration.observe({ handler, outcome: kind }, durationMs / 1_000);
}

/** The first attempt leaves the event in the ledger, whatever became of it. */
function countCommitted(metrics: Metrics, delivery: Delivery, attempt: Pick<Attempt, 'number' | 'now'>) {
  if (attempt.number === 1 && delivery.origin === 'webhook')
    metrics.receivedToCommitted.observe(endpointOf(delivery), secondsSinceReceipt(delivery, attempt.now));
}

function countMoney(metrics: Metrics, { provider }: Delivery, moved: readonly MoneyMoved[]): void {
  for (const { movement, currency, minorUnits } of moved) {
    const label = metrics.currencyLabel(currency);
    metrics.moneyMoved.inc({ provider, currency: label, movement }, minorUnits);
    if (label === currency) metrics.minorUnitsPerMajor.set({ currency }, 10 ** exponentOf(currency));
  }
}

function endpointOf({ endpoint, provider }: Delivery): { readonly endpoint: string; readonly provider: string } {
  return { endpoint, provider };
}

function secondsSinceReceipt(delivery: Delivery, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(delivery.receivedAt)) / 1_000);
}

/** A job whose worker died is handed out more often than the policy's six times. */
function attemptLabel(number: number): string {
  return number <= ATTEMPTS_MAX ? String(number) : 'more';
}

const ATTEMPTS_MAX = 6;
