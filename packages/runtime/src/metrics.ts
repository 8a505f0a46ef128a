import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/**
 * Every metric of every process, declared once: name, unit, labels with their
 * values, and the question it answers. Identifiers never become labels.
 */
export function createMetrics(options: {
  readonly process: string;
  readonly version: string;
  readonly environment: string;
}) {
  const registry = new Registry();
  registry.setDefaultLabels({ process: options.process });
  collectDefaultMetrics({ register: registry });

  const buildInfo = new Gauge({
    name: 'penstock_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node', 'environment'] as const,
    registers: [registry],
  });
  buildInfo.set({ version: options.version, node: process.version, environment: options.environment }, 1);

  return {
    registry,
    /** route: /webhooks/:endpoint at ingest; /, /login, /logout, /console.css, /payments/:id, /keys, /queues, other at the console · method: HTTP's known ones, other · status: the HTTP status. Serves the latency panel and the 250 ms objective. */
    httpDuration: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from the first byte of a request to the end of its answer.',
      labelNames: ['route', 'method', 'status'] as const,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers: [registry],
    }),
    /** outcome at ingest: queued, already_queued, already_processed, contested, malformed; at the worker: processed, ignored, duplicate, collision, dead. */
    events: new Counter({
      name: 'penstock_events_total',
      help: 'Events by what became of them at this process.',
      labelNames: ['endpoint', 'type', 'outcome'] as const,
      registers: [registry],
    }),
    /** code: a RejectionCode. A rise is a wrong secret or somebody knocking. */
    verificationFailures: new Counter({
      name: 'penstock_verification_failures_total',
      help: 'Requests refused before anything was believed, by reason.',
      labelNames: ['endpoint', 'code'] as const,
      registers: [registry],
    }),
    /** key: the name of a secret or certificate, `other` past fifty an endpoint. Tells when an old secret can go. */
    keyLastUsed: new Gauge({
      name: 'penstock_key_last_used_timestamp_seconds',
      help: 'When a signing key last proved a request at this process, in Unix seconds.',
      labelNames: ['endpoint', 'key'] as const,
      registers: [registry],
    }),
    /** outcome: retry, postponed, dead. */
    failedAttempts: new Counter({
      name: 'penstock_failed_attempts_total',
      help: 'Attempts at an event that did not succeed, by what follows.',
      labelNames: ['endpoint', 'outcome'] as const,
      registers: [registry],
    }),
    /** Serves the 30 s objective. */
    receivedToProcessed: new Histogram({
      name: 'penstock_received_to_processed_seconds',
      help: 'Time from receipt at ingest to the committed effect.',
      labelNames: ['endpoint'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600],
      registers: [registry],
    }),
    /** outcome: recreated, marked_dead. Anything but zero means a queue lost something. */
    swept: new Counter({
      name: 'penstock_swept_total',
      help: 'Disagreements between ledger and queue that the sweeper mended.',
      labelNames: ['outcome'] as const,
      registers: [registry],
    }),
    /** outcome: delivered, retry, dead. destination: a name of the configuration. */
    outboxDeliveries: new Counter({
      name: 'penstock_outbox_deliveries_total',
      help: 'Attempts to deliver a message to a destination, by outcome.',
      labelNames: ['destination', 'outcome'] as const,
      registers: [registry],
    }),
    /** Tells which destination is slow. */
    outboxDuration: new Histogram({
      name: 'penstock_outbox_delivery_duration_seconds',
      help: 'Time of one attempt to deliver a message.',
      labelNames: ['destination'] as const,
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers: [registry],
    }),
    /** Grows while a destination is down or the relay does not run. */
    outboxOldest: new Gauge({
      name: 'penstock_outbox_oldest_seconds',
      help: 'How long ago the undelivered message that was touched least recently was.',
      registers: [registry],
    }),
    /** state: waiting, active, delayed, completed, failed. Read from the queue at each scrape. */
    queueDepth: new Gauge({
      name: 'penstock_queue_jobs',
      help: 'Jobs in the queue by state; failed is the dead-letter queue.',
      labelNames: ['state'] as const,
      registers: [registry],
    }),
    /** outcome: granted, refused (wrong password), limited (not looked at). A rise of the last two is somebody guessing. */
    consoleLogins: new Counter({
      name: 'penstock_console_logins_total',
      help: 'Attempts to log in to the console, by outcome.',
      labelNames: ['outcome'] as const,
      registers: [registry],
    }),
    /** Bounded event type labels; see typeLabel. */
    typeLabel: createTypeLabel(),
    /** Bounded key labels, by endpoint. */
    keyLabel: createKeyLabel(),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** Ten secrets at most, and two names in a pair of Adyen's; PayPal's certificates are named by requests. */
const KEY_LABELS_MAX = 50;

function createKeyLabel(): (endpoint: string, key: string) => string {
  const known = new Map<string, Set<string>>();
  return (endpoint, key) => {
    const keys = known.get(endpoint) ?? new Set();
    known.set(endpoint, keys);
    if (!keys.has(key) && keys.size >= KEY_LABELS_MAX) return 'other';
    keys.add(key);
    return key;
  };
}

/** Stripe has about 250 event types and PayPal 100; a sender cannot make more series than this. */
const TYPE_LABELS_MAX = 400;

/** Event types come from outside: beyond the first few hundred they count as `other`. */
function createTypeLabel(): (type: string) => string {
  const known = new Set<string>();
  return (type) => {
    if (known.has(type)) return type;
    if (known.size >= TYPE_LABELS_MAX) return 'other';
    known.add(type);
    return type;
  };
}
