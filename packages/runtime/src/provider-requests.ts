import { toFailure } from '@penstock/core/failure';
import type { AroundExchange } from './http-exchange.ts';
import type { Metrics } from './metrics.ts';
import { traceIdOf } from './trace-context.ts';
import type { Tracing } from './tracing.ts';

/**
 * Tells of each request to a provider, a span and an observation; a retry is
 * another. The span has no query, no header and no body. Source: OpenTelemetry,
 * Semantic conventions for HTTP client spans.
 */
export function observeProviderRequests({
  metrics,
  tracing,
}: {
  readonly metrics: Pick<Metrics, 'providerRequestDuration' | 'addressLabel' | 'codeLabel'>;
  readonly tracing: Tracing;
}): AroundExchange {
  return (request, send) => {
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
}
