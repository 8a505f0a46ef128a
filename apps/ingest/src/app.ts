import type { HttpBindings } from '@hono/node-server';
import { requestIdOf } from '@penstock/runtime/request-id';
import { Hono } from 'hono';
import type { IngestEvents } from './events.ts';
import { receiveWebhook, type ReceiveWorld } from './receive-webhook.ts';
import { respond } from './respond.ts';

/** The public port: webhooks, and nothing else. */
export function createIngestApp(world: ReceiveWorld, events: IngestEvents): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();

  app.all('/webhooks/:endpoint', async (context) => {
    const started = performance.now();
    const { incoming: request } = context.env;
    const endpoint = context.req.param('endpoint');
    const requestId = requestIdOf(request.headers['x-request-id'], world.newId);

    const outcome = await receiveWebhook({ endpointName: endpoint, requestId, request }, world);
    const answer = respond(outcome, requestId, world.endpoints.get(endpoint)?.provider);
    events.webhookReceived({
      endpoint,
      provider: world.endpoints.get(endpoint)?.provider.id ?? null,
      method: request.method ?? '',
      requestId,
      status: answer.status,
      durationMs: performance.now() - started,
      at: world.now(),
      traceparent: request.headers['traceparent'],
      outcome,
    });
    return new Response(answer.body === '' ? null : answer.body, { status: answer.status, headers: answer.headers });
  });

  app.notFound((context) => {
    const answer = respond(
      { kind: 'unknown_endpoint' },
      requestIdOf(context.env.incoming.headers['x-request-id'], world.newId),
    );
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  });

  // A fault of ours, not of the request: the provider sends it again.
  app.onError((error, context) => {
    const requestId = requestIdOf(context.env.incoming.headers['x-request-id'], world.newId);
    events.unexpected({ requestId, error });
    const answer = respond({ kind: 'unexpected' }, requestId);
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  });
  return app;
}
