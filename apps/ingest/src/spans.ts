import type { IncomingMessage } from 'node:http';
import type { Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import { readTraceparent } from '@penstock/runtime/trace-context';
import type { OpenSpan, Tracing } from '@penstock/runtime/tracing';
import { methodLabel } from './method-label.ts';

/** Ingest's spans: a request, and handing its events to the queue. A part of events.ts. */
export function createSpans(tracing: Tracing, queueName: string) {
  return {
    /** Receives a request within its span, which continues the caller's trace where it has one. */
    receiving: <Result>(
      { request, requestId }: { readonly request: IncomingMessage; readonly requestId: string },
      work: (span: OpenSpan) => Promise<Result>,
    ): Promise<Result> => {
      const parent = readTraceparent(request.headers['traceparent']);
      if (!tracing.isOn) return tracing.span({ name: 'webhook', kind: 'server', parent }, work);
      const method = methodLabel(request.method ?? '');
      return tracing.span(
        {
          name: `${method === 'other' ? 'HTTP' : method} /webhooks/:endpoint`,
          kind: 'server',
          parent,
          attributes: {
            'http.request.method': method === 'other' ? '_OTHER' : method,
            'http.route': '/webhooks/:endpoint',
            'url.scheme': 'http',
            'url.path': request.url?.split('?')[0],
            'user_agent.original': request.headers['user-agent'],
            'penstock.request.id': requestId,
          },
        },
        work,
      );
    },

    /** Hands deliveries to the queue within a span that they carry on to the worker. */
    enqueueing: (
      deliveries: readonly Delivery[],
      add: (deliveries: readonly Delivery[]) => Promise<readonly QueueStanding[]>,
    ): Promise<readonly QueueStanding[]> => {
      if (!tracing.isOn) return add(deliveries);
      return tracing.span(
        {
          name: `send ${queueName}`,
          kind: 'producer',
          attributes: {
            'messaging.system': 'bullmq',
            'messaging.destination.name': queueName,
            'messaging.operation.name': 'send',
            'messaging.operation.type': 'send',
            'messaging.batch.message_count': deliveries.length > 1 ? deliveries.length : undefined,
          },
        },
        ({ traceparent }) =>
          add(
            // The request's own, where the trace is not sampled: there is no other span.
            deliveries[0]?.traceparent === traceparent
              ? deliveries
              : deliveries.map((delivery) => ({ ...delivery, traceparent })),
          ),
      );
    },
  };
}
