import type { ReceiveOutcome } from '@penstock/core/outcome';
import type { Logger } from '@penstock/runtime/logger';
import type { Metrics } from '@penstock/runtime/metrics';

/** One request, as it is told when it is over. */
export interface ReceivedRequest {
  readonly endpoint: string;
  readonly known: boolean;
  readonly method: string;
  readonly requestId: string;
  readonly status: number;
  readonly durationMs: number;
  readonly at: Date;
  readonly outcome: ReceiveOutcome;
}

/** The only place in ingest that touches logger and metrics: one function a business event. */
export function createIngestEvents({ logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics }) {
  return {
    /** Every request under /webhooks, whatever became of it. */
    webhookReceived: (received: ReceivedRequest): void => {
      const { outcome } = received;
      // Only configured names become label values: anybody can ask for any path.
      const endpoint = received.known ? received.endpoint : 'unknown';
      metrics.httpDuration.observe(
        { route: '/webhooks/:endpoint', method: methodLabel(received.method), status: received.status },
        received.durationMs / 1000,
      );
      if (outcome.kind === 'accepted' || outcome.kind === 'malformed')
        metrics.keyLastUsed.set(
          { endpoint, key: metrics.keyLabel(endpoint, outcome.keyId) },
          Math.floor(received.at.getTime() / 1000),
        );
      if (outcome.kind === 'rejected') metrics.verificationFailures.inc({ endpoint, code: outcome.code });
      if (outcome.kind === 'malformed' || outcome.kind === 'contested')
        metrics.events.inc({ endpoint, type: 'other', outcome: outcome.kind });
      if (outcome.kind === 'accepted') {
        for (const event of outcome.events)
          metrics.events.inc({
            endpoint,
            type: metrics.typeLabel(event.type),
            outcome: event.standing.replaceAll(' ', '_'),
          });
      }

      const line = {
        requestId: received.requestId,
        endpoint: received.endpoint.slice(0, 64),
        status: received.status,
        durationMs: Math.round(received.durationMs * 100) / 100,
        ...outcomeFields(outcome),
      };
      if (received.status >= 500 || outcome.kind === 'contested') logger.warn(line, 'webhook received');
      else logger.info(line, 'webhook received');
    },

    unexpected: ({ requestId, error }: { readonly requestId: string; readonly error: unknown }): void => {
      metrics.httpDuration.observe({ route: '/webhooks/:endpoint', method: 'other', status: 500 }, 0);
      logger.error({ requestId, error }, 'a request failed for a reason of our own');
    },

    listening: (ports: {
      readonly url: string;
      readonly healthUrl: string;
      readonly endpoints: readonly string[];
      readonly moved: boolean;
    }): void => {
      logger.info(ports, ports.moved ? 'listening, on a free port because the default was taken' : 'listening');
    },

    stopping: (): void => {
      logger.info('stopping: finishing the requests in hand');
    },

    notDurable: (reason: string): void => {
      logger.warn({ reason }, 'acknowledged events may be lost; production refuses to start like this');
    },
  };
}

export type IngestEvents = ReturnType<typeof createIngestEvents>;

function outcomeFields(outcome: ReceiveOutcome): Record<string, unknown> {
  switch (outcome.kind) {
    case 'accepted':
      return { outcome: 'accepted', keyId: outcome.keyId, events: outcome.events };
    case 'rejected':
      return { outcome: outcome.kind, code: outcome.code };
    case 'malformed':
    case 'undecided':
      return { outcome: outcome.kind, reason: outcome.reason };
    default:
      return { outcome: outcome.kind };
  }
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function methodLabel(method: string): string {
  return knownMethods.has(method) ? method : 'other';
}
