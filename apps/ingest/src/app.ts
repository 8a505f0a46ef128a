import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { requestIdOf } from '@penstock/runtime/request-id';
import { newTraceparent, readTraceparent, traceIdOf } from '@penstock/runtime/trace-context';
import { Hono } from 'hono';
import type { IngestEvents } from './events.ts';
import type { KnownClients } from './known-clients.ts';
import { receiveWebhook, type ReceiveWorld } from './receive-webhook.ts';
import { respond, type Answer } from './respond.ts';

interface Bindings {
  Bindings: HttpBindings;
  Variables: { traceparent: string };
}

/** What the app needs of the world beside what receiving does. */
export interface IngestWorld extends ReceiveWorld {
  readonly clientOf: (request: IncomingMessage) => string;
  readonly clients: Pick<KnownClients, 'learn'>;
}

/** The public port: webhooks, and nothing else. Every answer tells the request's id and its trace's. */
export function createIngestApp(world: IngestWorld, events: IngestEvents): Hono<Bindings> {
  const app = new Hono<Bindings>();

  app.all('/webhooks/:endpoint', async (context) => {
    const started = performance.now();
    const { incoming: request } = context.env;
    const endpoint = context.req.param('endpoint');
    const requestId = requestIdOf(request.headers['x-request-id'], world.newId);

    return events.receiving({ request, requestId }, async (span) => {
      const { traceparent } = span;
      context.set('traceparent', traceparent);
      const outcome = await receiveWebhook({ endpointName: endpoint, requestId, traceparent, request }, world);
      const client = world.clientOf(request);
      world.clients.learn(client, outcome.kind);
      const answer = respond(
        outcome,
        { requestId, traceId: traceIdOf(traceparent) },
        world.endpoints.get(endpoint)?.provider,
      );
      events.webhookReceived({
        endpoint,
        provider: world.endpoints.get(endpoint)?.provider.id ?? null,
        method: request.method ?? '',
        requestId,
        client,
        span,
        status: answer.status,
        durationMs: performance.now() - started,
        at: world.now(),
        outcome,
      });
      return responseOf(answer);
    });
  });

  app.notFound((context) => {
    const { headers } = context.env.incoming;
    const requestId = requestIdOf(headers['x-request-id'], world.newId);
    const traceId = traceIdOf(readTraceparent(headers['traceparent']) ?? newTraceparent());
    return responseOf(respond({ kind: 'unknown_endpoint' }, { requestId, traceId }));
  });

  // A fault of ours, not of the request: the provider sends it again.
  app.onError((error, context) => {
    const requestId = requestIdOf(context.env.incoming.headers['x-request-id'], world.newId);
    const { traceparent } = context.var;
    events.unexpected({ requestId, traceparent, error });
    return responseOf(respond({ kind: 'unexpected' }, { requestId, traceId: traceIdOf(traceparent) }));
  });
  return app;
}

function responseOf({ status, headers, body }: Answer): Response {
  return new Response(body === '' ? null : body, { status, headers });
}
