import type { Confirmer } from '@penstock/core/confirmation';
import type { ConflictKind } from '@penstock/core/conflict';
import { ServiceAwayError } from '@penstock/core/failure';
import type { DueFetch, FetchEnd } from '@penstock/db/conflict-fetches';
import type { Logger } from '@penstock/runtime/logger';
import type { Metrics } from '@penstock/runtime/metrics';
import { observeProviderRequests } from '@penstock/runtime/provider-requests';
import { traceIdOf } from '@penstock/runtime/trace-context';
import type { Tracing } from '@penstock/runtime/tracing';
import { requestIdOfFetch, type Fetched } from './fetch-conflicts.ts';

/** What a worker does at providers' APIs: each request, each confirmation, each fetched payment. A part of events.ts. */
export function createProviderEvents({
  logger,
  metrics,
  tracing,
}: {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}) {
  return {
    /** One request on its way; a retry is another. */
    asking: observeProviderRequests({ metrics, tracing }),

    /** The same confirmer, its answers counted: the questions, whatever requests they took. */
    confirming:
      (provider: string, confirm: Confirmer): Confirmer =>
      (event) => {
        const ask = confirm(event);
        if (ask === null) return null;
        return async (at) => {
          try {
            const confirmation = await ask(at);
            metrics.confirmations.inc({ provider, outcome: confirmation.kind });
            return confirmation;
          } catch (error) {
            metrics.confirmations.inc({ provider, outcome: error instanceof ServiceAwayError ? 'away' : 'failed' });
            throw error;
          }
        };
      },

    /** Asks about one conflict within a span, which the events made of the answer carry on. */
    fetching: (conflict: DueFetch, ask: (traceparent: string) => Promise<FetchEnd>): Promise<Fetched> =>
      tracing.span(
        {
          name: 'fetch conflict',
          kind: 'internal',
          attributes: { 'penstock.provider': conflict.provider, 'penstock.request.id': requestIdOfFetch(conflict) },
        },
        async ({ traceparent, fail }) => {
          const end = await ask(traceparent);
          if (end.state !== 'fetched') fail(end.code, end.message);
          return { conflict, end, traceparent };
        },
      ),

    /** Every time a provider was asked how a payment stands. */
    conflictFetched: ({ conflict, end, traceparent }: Fetched): void => {
      metrics.conflictFetches.inc({ outcome: end.state });
      const ids = { requestId: requestIdOfFetch(conflict), traceId: traceIdOf(traceparent) };
      const line = { ...ids, conflictId: conflict.id, provider: conflict.provider, attempt: conflict.attempt, ...end };
      if (end.state === 'fetched') logger.info(line, 'how the payment stands was fetched, and is an event');
      else if (end.state === 'retry') logger.warn(line, 'the provider could not be asked; it will be asked again');
      else logger.error(line, 'the provider cannot be asked about the conflict; somebody has to look');
    },

    conflictsOpen: (counts: Readonly<Record<ConflictKind, number>>): void => {
      for (const [kind, open] of Object.entries(counts)) metrics.conflictsOpen.set({ kind }, open);
    },

    fetchFailed: (error: unknown): void => {
      logger.warn({ error }, 'conflicts could not be looked at; the next look tries again');
    },
  };
}

export type ProviderEvents = ReturnType<typeof createProviderEvents>;
