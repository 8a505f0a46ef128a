import { z, type OpenAPIHono } from '@hono/zod-openapi';
import type { LedgerDatabase } from '@penstock/db/database';
import { deliveriesOfEvents } from '@penstock/db/deliveries';
import { listCollisions, listOutboxDeliveries } from '@penstock/db/list-outbox';
import { attemptsOf, findEvent, findEventBody, listEvents } from '@penstock/db/list-events';
import { refuse, type ConsoleEnv } from '../respond.ts';
import { answerPage, cursors } from './page.ts';
import { collisionFilters, outboxFilters, eventFilters, ledgerNumber, listQuery } from './parameters.ts';
import { pageOf, readRoute } from './route.ts';
import * as schemas from './schemas.ts';
import { collisionView, outboxView, eventView, payloadView, wholeEventView } from './views.ts';

const eventsRoute = readRoute({
  path: '/api/events',
  tag: 'Events',
  summary: 'Events, without their payloads',
  description: 'Ordered by `receivedAt`, newest first. `?state=dead` lists the dead letters.',
  scope: 'events:read',
  request: { query: listQuery(eventFilters) },
  answer: pageOf(schemas.eventSchema),
});

const one = { params: z.object({ id: ledgerNumber }), query: z.strictObject({}) };

const eventRoute = readRoute({
  path: '/api/events/{id}',
  tag: 'Events',
  summary: 'One event with its deliveries and failed attempts, without its payload',
  scope: 'events:read',
  request: one,
  answer: schemas.wholeEventSchema,
});

const payloadRoute = readRoute({
  path: '/api/events/{id}/payload',
  tag: 'Events',
  summary: "An event's exact bytes",
  description: 'They may hold personal data, which the other answers do not.',
  scope: 'payloads:read',
  request: one,
  answer: schemas.payloadSchema,
});

const outboxRoute = readRoute({
  path: '/api/outbox',
  tag: 'Outbox',
  summary: 'Messages on their way to your destinations',
  description: 'The newest first.',
  scope: 'events:read',
  request: { query: listQuery(outboxFilters) },
  answer: pageOf(schemas.outboxSchema),
});

const collisionsRoute = readRoute({
  path: '/api/collisions',
  tag: 'Events',
  summary: 'Deliveries that contradict a known event',
  description: 'The newest first.',
  scope: 'events:read',
  request: { query: listQuery(collisionFilters) },
  answer: pageOf(schemas.collisionSchema),
});

/** Events, and what became of them. */
export function addEventReads(api: OpenAPIHono<ConsoleEnv>, reads: LedgerDatabase): void {
  api.openapi(eventsRoute, async (context) => {
    const query = context.req.valid('query');
    const answer = await answerPage(context, {
      query,
      key: cursors.event,
      read: (page) => listEvents(reads, query, page),
      keyOf: (row) => [row.received_at, row.id],
      view: eventView,
    });
    return answer.page === undefined ? answer.refusal : context.json(answer.page, 200);
  });
  api.openapi(eventRoute, async (context) => {
    const { id } = context.req.valid('param');
    const event = await findEvent(reads, id);
    if (event === undefined) return refuse(context, { kind: 'event_unknown' });
    const attempts = await attemptsOf(reads, id);
    const sent = await deliveriesOfEvents(reads, [id]);
    return context.json(wholeEventView(event, { attempts, sent: sent.get(id) ?? [] }), 200);
  });
  api.openapi(payloadRoute, async (context) => {
    const { id } = context.req.valid('param');
    const body = await findEventBody(reads, id);
    if (body !== undefined) return context.json(payloadView(id, body), 200);
    return refuse(context, { kind: (await findEvent(reads, id)) === undefined ? 'event_unknown' : 'payload_gone' });
  });
  api.openapi(outboxRoute, async (context) => {
    const query = context.req.valid('query');
    const answer = await answerPage(context, {
      query,
      key: cursors.number,
      read: (page) => listOutboxDeliveries(reads, query, page),
      keyOf: (row) => [row.id],
      view: outboxView,
    });
    return answer.page === undefined ? answer.refusal : context.json(answer.page, 200);
  });
  api.openapi(collisionsRoute, async (context) => {
    const query = context.req.valid('query');
    const answer = await answerPage(context, {
      query,
      key: cursors.number,
      read: (page) => listCollisions(reads, query, page),
      keyOf: (row) => [row.id],
      view: collisionView,
    });
    return answer.page === undefined ? answer.refusal : context.json(answer.page, 200);
  });
}
