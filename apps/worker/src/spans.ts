import type { Handler } from '@penstock/core/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import type { SendResult } from '@penstock/runtime/send-webhook';
import { readTraceparent } from '@penstock/runtime/trace-context';
import type { Tracing } from '@penstock/runtime/tracing';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import type { Processed } from './process-webhook.ts';

/** The worker's spans: an attempt, the handlers and statements in it, and what is sent of it. A part of events.ts. */
export function createSpans(tracing: Tracing, queueName: string) {
  return {
    /** Works on a job within a span that continues the trace of its request. */
    processing: (job: QueuedJob, work: () => Promise<Processed | null>): Promise<Processed | null> => {
      if (!tracing.isOn) return work();
      return tracing.span(
        {
          name: `process ${queueName}`,
          kind: 'consumer',
          parent: traceparentOf(job.data),
          attributes: {
            'messaging.system': 'bullmq',
            'messaging.destination.name': queueName,
            'messaging.operation.name': 'process',
            'messaging.operation.type': 'process',
            'messaging.message.id': job.jobId,
            'penstock.attempt': job.attempt,
          },
        },
        async (span) => {
          const processed = await work();
          if (processed === null) return null;
          span.set(attributesOf(processed));
          if (processed.kind !== 'ended') span.fail(processed.failure.code, processed.failure.message);
          return processed;
        },
      );
    },

    /** Sends a message within a span, whose context goes with it; off, the event's own does. */
    sending: (
      message: { readonly traceparent: string | null; readonly destination: string; readonly url: URL },
      send: (traceparent: string | undefined) => Promise<SendResult>,
    ): Promise<SendResult> => {
      const parent = readTraceparent(message.traceparent);
      if (!tracing.isOn) return send(parent);
      const { hostname, port, protocol, origin, pathname } = message.url;
      return tracing.span(
        {
          name: 'POST',
          kind: 'client',
          parent,
          attributes: {
            'http.request.method': 'POST',
            'server.address': hostname,
            'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
            'url.full': `${origin}${pathname}`,
            'penstock.destination': message.destination,
          },
        },
        async (span) => {
          const result = await send(span.traceparent);
          if (result.kind !== 'answered') span.fail(result.kind, result.reason);
          else {
            span.set({ 'http.response.status_code': result.status });
            if (result.status >= 300) span.fail(String(result.status));
          }
          return result;
        },
      );
    },

    /** The same handlers, each run of one a span; these very ones where nothing is traced. */
    tracedHandlers: (handlers: readonly Handler<LedgerTransaction>[]): readonly Handler<LedgerTransaction>[] =>
      tracing.isOn
        ? handlers.map((handler) => ({
            ...handler,
            run: (context) =>
              tracing.span({ name: `handle ${handler.name}`, kind: 'internal' }, async () => handler.run(context)),
          }))
        : handlers,
  };
}

/** The job is not parsed yet: another version may have written it. */
function traceparentOf(data: unknown): string | undefined {
  return typeof data === 'object' && data !== null && 'traceparent' in data
    ? readTraceparent(data.traceparent)
    : undefined;
}

function attributesOf(processed: Processed) {
  const outcome = processed.kind === 'ended' ? processed.outcome : processed.kind;
  if (!('delivery' in processed)) return { 'penstock.outcome': outcome };
  const { endpoint, provider, eventId, type, requestId } = processed.delivery;
  return {
    'penstock.outcome': outcome,
    'penstock.endpoint': endpoint,
    'penstock.provider': provider,
    'penstock.event.id': eventId,
    'penstock.event.type': type,
    'penstock.request.id': requestId,
  };
}
