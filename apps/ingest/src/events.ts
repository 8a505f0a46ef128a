import type { Delivery } from '@penstock/core/delivery';
import type { ReceiveOutcome, TurnedAway } from '@penstock/core/outcome';
import { ANSWERED_OBJECTIVE } from '@penstock/core/sla-report';
import type { Logger } from '@penstock/runtime/logger';
import type { Metrics } from '@penstock/runtime/metrics';
import { observeProviderRequests } from '@penstock/runtime/provider-requests';
import { traceIdOf } from '@penstock/runtime/trace-context';
import type { OpenSpan, Tracing } from '@penstock/runtime/tracing';
import { methodLabel } from './method-label.ts';
import { createRefusalLines, isRefusal, refusalName } from './refusal-lines.ts';
import { createSpans } from './spans.ts';
import type { SpoolState } from '@penstock/runtime/spool/spool';

/** One request, as it is told when it is over. */
export interface ReceivedRequest {
  readonly endpoint: string;
  /** Null where no endpoint of that name is open. */
  readonly provider: string | null;
  readonly method: string;
  readonly requestId: string;
  /** Its client's address. */
  readonly client: string;
  readonly span: OpenSpan;
  readonly status: number;
  readonly durationMs: number;
  readonly at: Date;
  readonly outcome: ReceiveOutcome;
}

/** The only place in ingest that touches logger, metrics and spans: one function a business event. */
export function createIngestEvents({
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
  const refusalLines = createRefusalLines({
    clock: () => performance.now(),
    tellSum: (counts) => logger.info({ counts }, 'refused requests that had no line of their own'),
  });
  return {
    ...createSpans(tracing, queueName),

    /** One request to a provider, by which another is verified. */
    asking: observeProviderRequests({ metrics, tracing }),

    /** Every request under /webhooks, whatever became of it. */
    webhookReceived: (received: ReceivedRequest): void => {
      const { outcome } = received;
      // Only configured names become label values: anybody can ask for any path.
      const endpoint = received.provider === null ? 'unknown' : received.endpoint;
      const provider = received.provider ?? 'unknown';
      const traceId = traceIdOf(received.span.traceparent);
      metrics.httpDuration.observe(
        {
          http_route: '/webhooks/:endpoint',
          http_request_method: methodLabel(received.method),
          http_response_status_code: received.status,
          endpoint,
          provider,
        },
        received.durationMs / 1000,
        traceId,
      );
      if (outcome.kind === 'accepted' || outcome.kind === 'malformed')
        metrics.keyLastUsed.set(
          { endpoint, key: metrics.keyLabel(endpoint, outcome.keyId) },
          Math.floor(received.at.getTime() / 1000),
        );
      if (outcome.kind === 'rejected') metrics.verificationFailures.inc({ endpoint, provider, code: outcome.code });
      if (outcome.kind === 'malformed' || outcome.kind === 'contested')
        metrics.events.inc({ endpoint, provider, type: 'other', outcome: outcome.kind });
      if (outcome.kind === 'accepted') {
        for (const { type, occurredAt, standing } of outcome.events) {
          const labels = { endpoint, provider, type: metrics.typeLabel({ provider, endpoint, type }) };
          metrics.events.inc({ ...labels, outcome: standing.replaceAll(' ', '_') });
          // By nothing, too: a series that begins with its first late event would not tell Prometheus of it.
          if (standing !== 'contested')
            metrics.answeredLate.inc(labels, received.durationMs > ANSWERED_OBJECTIVE.withinMs ? 1 : 0);
          if (standing === 'queued' && occurredAt !== null)
            metrics.createdToReceived.observe(
              { endpoint, provider },
              Math.max(0, (received.at.getTime() - Date.parse(occurredAt)) / 1000),
            );
        }
      }

      if (outcome.kind === 'rate_limited') metrics.rateLimited.inc({ endpoint });
      if (outcome.kind === 'overloaded') metrics.turnedAway.inc({ reason: outcome.reason });

      if (tracing.isOn) tellSpan(received);
      if (isRefusal(outcome.kind) && !refusalLines.mayTell(refusalName(outcome))) return;
      const line = {
        requestId: received.requestId,
        traceId,
        endpoint: received.endpoint.slice(0, 64),
        client: received.client,
        status: received.status,
        durationMs: Math.round(received.durationMs * 100) / 100,
        ...outcomeFields(outcome),
      };
      if (received.status >= 500 || outcome.kind === 'contested') logger.warn(line, 'webhook received');
      else logger.info(line, 'webhook received');
    },

    /** A request that was answered before anything of it was looked at but its head. */
    turnedAway: ({
      outcome,
      status,
      method,
      client,
    }: {
      readonly outcome: TurnedAway;
      readonly status: number;
      readonly method: string;
      readonly client: string;
    }): void => {
      metrics.turnedAway.inc({ reason: outcome.kind === 'overloaded' ? outcome.reason : outcome.kind });
      metrics.httpDuration.observe(
        {
          http_route: '/webhooks/:endpoint',
          http_request_method: methodLabel(method),
          http_response_status_code: status,
          endpoint: 'unknown',
          provider: 'unknown',
        },
        0,
      );
      if (refusalLines.mayTell(refusalName(outcome)))
        logger.info({ client, status, ...outcomeFields(outcome) }, 'a request was turned away');
    },

    /** Redis did not say whether there is a token left, and the request was let through. */
    rateLimitUnanswered: (endpoint: string): void => {
      metrics.rateLimitUnanswered.inc({ endpoint });
    },

    /** One that had no request in hand, because there were too many. */
    connectionEnded: (): void => {
      metrics.turnedAway.inc({ reason: 'connections' });
    },

    /** Read at each scrape. */
    inHand: (held: { readonly requests: number; readonly bytes: number; readonly pressure: number }): void => {
      metrics.requestsInHand.set(held.requests);
      metrics.bodyBytesInHand.set(held.bytes);
      metrics.pressure.set(held.pressure);
    },

    overflowed: (deliveries: readonly Delivery[]): void => {
      for (const { endpoint } of deliveries) metrics.overflow.inc({ endpoint });
    },

    unexpected: ({
      requestId,
      traceparent,
      error,
    }: {
      readonly requestId: string;
      readonly traceparent: string;
      readonly error: unknown;
    }): void => {
      metrics.httpDuration.observe(
        {
          http_route: '/webhooks/:endpoint',
          http_request_method: 'other',
          http_response_status_code: 500,
          endpoint: 'unknown',
          provider: 'unknown',
        },
        0,
      );
      logger.error({ requestId, traceId: traceIdOf(traceparent), error }, 'a request failed for a reason of our own');
    },

    listening: (ports: {
      readonly url: string;
      readonly healthUrl: string;
      readonly endpoints: readonly string[];
      readonly moved: boolean;
    }): void => {
      logger.info(ports, ports.moved ? 'listening, on a free port because the default was taken' : 'listening');
    },

    /** Before the process ends: what the next sum would have told. */
    tellRest: (): void => refusalLines[Symbol.dispose](),

    stopping: (): void => {
      logger.info('stopping: finishing the requests in hand');
    },

    spoolKept: (deliveries: number): void => {
      metrics.spoolDeliveries.inc({ outcome: 'kept' }, deliveries);
    },

    spoolRefused: (deliveries: number, error: unknown): void => {
      metrics.spoolDeliveries.inc({ outcome: 'refused' }, deliveries);
      logger.error({ error }, 'the queue is away and the spool takes no more; the answer is 503');
    },

    spoolDrained: (deliveries: number): void => {
      metrics.spoolDeliveries.inc({ outcome: 'drained' }, deliveries);
    },

    spoolWaits: ({ bytes, oldestReceivedAt }: SpoolState, error: unknown): void => {
      logger.warn({ bytes, oldestReceivedAt, error }, 'deliveries wait in the spool; the queue does not take them');
    },

    spoolPutAside: (damage: { readonly file: string; readonly bytes: number }): void => {
      metrics.spoolDeliveries.inc({ outcome: 'put_aside' });
      logger.error(damage, 'a piece of the spool could not be read and was put aside; the rest goes on');
    },

    /** Read at each scrape. */
    spoolState: ({ bytes, oldestReceivedAt }: SpoolState, now: Date): void => {
      metrics.spoolBytes.set(bytes);
      metrics.spoolOldest.set(oldestReceivedAt === null ? 0 : Math.max(0, (+now - +oldestReceivedAt) / 1_000));
    },

    notDurable: (reason: string): void => {
      logger.warn({ reason }, 'acknowledged events may be lost; production refuses to start like this');
    },
  };
}

export type IngestEvents = ReturnType<typeof createIngestEvents>;

function tellSpan({ span, status, endpoint, provider, outcome }: ReceivedRequest): void {
  span.set({
    'http.response.status_code': status,
    'penstock.endpoint': provider === null ? 'unknown' : endpoint,
    'penstock.provider': provider ?? 'unknown',
    'penstock.outcome': outcome.kind,
    'penstock.event.id': outcome.kind === 'accepted' ? outcome.events[0]?.eventId : undefined,
    'penstock.event.type': outcome.kind === 'accepted' ? outcome.events[0]?.type : undefined,
  });
  // A server's span fails with its server, not with its caller (Semantic conventions for HTTP spans, status).
  if (status >= 500) span.fail(String(status), outcome.kind);
}

function outcomeFields(outcome: ReceiveOutcome): Record<string, unknown> {
  switch (outcome.kind) {
    case 'accepted':
      return { outcome: 'accepted', keyId: outcome.keyId, events: outcome.events };
    case 'rejected':
      return { outcome: outcome.kind, code: outcome.code };
    case 'malformed':
    case 'undecided':
    case 'overloaded':
      return { outcome: outcome.kind, reason: outcome.reason };
    default:
      return { outcome: outcome.kind };
  }
}
