import type { Confirmer } from '@penstock/core/confirmation';
import type { ConflictKind } from '@penstock/core/conflict';
import { ServiceAwayError, toFailure } from '@penstock/core/failure';
import type { DueFetch, FetchEnd } from '@penstock/db/conflict-fetches';
import type { AroundExchange } from '@penstock/runtime/http-exchange';
import type { Logger } from '@penstock/runtime/logger';
import type { Metrics } from '@penstock/runtime/metrics';
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
  /**
   * One request on its way; a retry is another. The span has no query, no header and
   * no body. Source: OpenTelemetry, Semantic conventions for HTTP client spans.
   */
  const asking: AroundExchange = async (request, send) => {
    const { hostname, port, protocol, origin, pathname } = new URL(request.url);
    const started = performance.now();
    const count = (result: { readonly status: number | ''; readonly errorType: string }, traceparent: string): void =>
      metrics.providerRequestDuration.observe(
        {
          http_request_method: request.method,
          server_address: metrics.addressLabel(hostname),
          http_response_status_code: result.status,
          error_type: result.errorType,
        },
        (performance.now() - started) / 1_000,
        traceIdOf(traceparent),
      );
    return tracing.span(
      {
        name: request.method,
        kind: 'client',
        attributes: {
          'http.request.method': request.method,
          'server.address': hostname,
          'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
          'url.full': `${origin}${pathname}`,
        },
      },
      async (span) => {
        try {
          const response = await send();
          const failed = response.status >= 400;
          span.set({ 'http.response.status_code': response.status });
          if (failed) span.fail(String(response.status));
          count({ status: response.status, errorType: failed ? String(response.status) : '' }, span.traceparent);
          return response;
        } catch (error) {
          count({ status: '', errorType: metrics.codeLabel(toFailure(error).code) }, span.traceparent);
          throw error;
        }
      },
    );
  };

  return {
    asking,

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
