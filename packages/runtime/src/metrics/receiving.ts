import type { Declare } from './declare.ts';

/** Tenfold below the objective of 250 ms and tenfold above it; at it, so that the share in time is exact. */
const answerBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** A provider's retries come for days: from a second to three days. */
const travelBuckets = [0.5, 1, 2, 5, 10, 30, 60, 300, 3_600, 21_600, 86_400, 259_200];

/** What ingest and the console see of the world outside. */
export function receivingMetrics(declare: Declare) {
  return {
    httpDuration: declare.histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from the head of a request to its answer.',
      labels: {
        http_route:
          '/webhooks/:endpoint at ingest; /, /login, /logout, /console.css, /payments/:id, /conflicts, /keys, /sla, /queues, /api and its reads, other at the console',
        http_request_method: "HTTP's known ones, other",
        http_response_status_code: 'the HTTP status',
        endpoint: 'a name of the configuration, unknown; empty at the console',
        provider: 'a provider of the registry, unknown; empty at the console',
      },
      buckets: answerBuckets,
      serves: 'Webhook path: latency, rates, errors; SLO: answered in time; alerts AnsweredLate*',
    }),
    events: declare.counter({
      name: 'penstock_events_total',
      help: 'Events by what became of them at this process.',
      labels: {
        endpoint: 'a name of the configuration',
        provider: 'a provider of the registry',
        type: "one of the provider's documented event types, other",
        outcome:
          'at ingest queued, already_queued, already_processed, contested, malformed; at the worker processed, ignored, duplicate, collision, dead',
      },
      serves: 'Webhook path: events, duplicates; alerts EndpointSilent, CollisionSeen',
    }),
    answeredLate: declare.counter({
      name: 'penstock_events_answered_late_total',
      help: 'Accepted events whose request was answered after more than 250 ms; 0 from the first event of a type on. Of those in penstock_events_total.',
      labels: {
        endpoint: 'a name of the configuration',
        provider: 'a provider of the registry',
        type: "one of the provider's documented event types, other",
      },
      serves: 'SLO: answered late, by type; pnpm sla report',
    }),
    overflow: declare.counter({
      name: 'penstock_overflow_total',
      help: 'Events queued behind those of others because their source sent more than its rate.',
      labels: { endpoint: 'a name of the configuration' },
      serves: 'Webhook path: overflow; a rise is a storm, and says whose',
    }),
    verificationFailures: declare.counter({
      name: 'penstock_verification_failures_total',
      help: 'Requests refused before anything was believed, by reason.',
      labels: {
        endpoint: 'a name of the configuration',
        provider: 'a provider of the registry',
        code: 'a rejection code of docs/ERRORS.md',
      },
      serves: 'Webhook path: refused; alert SignatureFailures',
    }),
    keyLastUsed: declare.gauge({
      name: 'penstock_key_last_used_timestamp_seconds',
      help: 'When a signing key last proved a request at this process, in Unix seconds.',
      labels: { endpoint: 'a name of the configuration', key: "a secret's name or a certificate's, other past fifty" },
      serves: 'Webhook path: signing keys; tells when an old secret can go',
    }),
    spoolDeliveries: declare.counter({
      name: 'penstock_spool_deliveries_total',
      help: 'Deliveries at the spool of an ingest, by what became of them there.',
      labels: {
        outcome:
          'kept (while the queue was away), refused (full, or the disk failed), drained (the queue has it), put_aside (pieces that could not be read)',
      },
      serves: 'Workers and resources: spool; put_aside is for somebody to look at',
    }),
    spoolBytes: declare.gauge({
      name: 'penstock_spool_bytes',
      help: 'Bytes that wait in the spool of this ingest for the queue; absent where it has none.',
      labels: {},
      serves: 'Workers and resources: spool; at SPOOL_BYTES_MAX the answer is 503',
    }),
    spoolOldest: declare.gauge({
      name: 'penstock_spool_oldest_seconds',
      help: 'How long ago the oldest delivery in the spool was received; 0 where it is empty.',
      labels: {},
      serves: 'Workers and resources: spool; grows while the queue is away',
    }),
    createdToReceived: declare.histogram({
      name: 'penstock_provider_created_to_received_seconds',
      help: "Time from the provider's own time of an event to its receipt; counts each accepted event once.",
      labels: { endpoint: 'a name of the configuration', provider: 'a provider of the registry' },
      buckets: travelBuckets,
      serves: 'Webhook path: how late providers send',
    }),
    consoleLogins: declare.counter({
      name: 'penstock_console_logins_total',
      help: 'Attempts to log in to the console, by outcome.',
      labels: { outcome: 'granted, refused (wrong password), limited (not looked at)' },
      serves: 'Workers and resources: logins; a rise of the last two is somebody guessing',
    }),
    apiKeys: declare.counter({
      name: 'penstock_api_keys_total',
      help: 'Keys sent to the read API, by what became of them.',
      labels: { outcome: 'accepted, unknown, expired, revoked, limited (not looked at)' },
      serves: 'Workers and resources: a rise of refusals is a client with an old key, or somebody guessing',
    }),
  };
}
