import type { Declare } from './declare.ts';

/** From a transaction on an idle machine to the last retry; 30 s is the objective. */
const processedBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600];

/** A handler may take `HANDLER_MS`, 10 s where nothing else is set. */
const handlerBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What workers do with events. */
export function processingMetrics(declare: Declare) {
  return {
    failedAttempts: declare.counter({
      name: 'penstock_failed_attempts_total',
      help: 'Attempts at an event that did not succeed, by what follows.',
      labels: { endpoint: 'a name of the configuration, unknown', outcome: 'retry, postponed, dead' },
      serves: 'Webhook path: failed attempts',
    }),
    deadLetters: declare.counter({
      name: 'penstock_dead_letters_total',
      help: 'Events that will not be retried by themselves, by the failure that ended them. One that a replay gave back and that died again counts as replayed.',
      labels: {
        endpoint: 'a name of the configuration, unknown',
        provider: 'a provider of the registry, unknown',
        class:
          'whose matter it is, of all fingerprints: handler, malformed, provider, crash, configuration, database, other',
        code: "the failure's stable code, which its fingerprints share; other past fifty",
        replayed: 'true where a replay had given it back, false',
      },
      serves: 'Dead letters; SLO: processed in time; alert DeadLettersGrowing',
    }),
    receivedToCommitted: declare.histogram({
      name: 'penstock_received_to_committed_seconds',
      help: 'Time from receipt at ingest until the event was first committed to the ledger, whatever became of it.',
      labels: { endpoint: 'a name of the configuration', provider: 'a provider of the registry' },
      buckets: processedBuckets,
      serves: 'Webhook path: time to the ledger',
    }),
    receivedToProcessed: declare.histogram({
      name: 'penstock_received_to_processed_seconds',
      help: 'Time from receipt at ingest to the committed effect; each event once, those that a replay gave back not at all.',
      labels: {
        endpoint: 'a name of the configuration',
        provider: 'a provider of the registry',
        attempt: '1 to 6, more: which attempt succeeded',
      },
      buckets: processedBuckets,
      serves: 'Webhook path: time to the effect; SLO: processed in time; alerts ProcessedLate*',
    }),
    handlerDuration: declare.histogram({
      name: 'penstock_handler_duration_seconds',
      help: 'Time of one run of a handler.',
      labels: { handler: 'a name of the configuration', outcome: 'done, failed' },
      buckets: handlerBuckets,
      serves: 'Workers and resources: handlers',
    }),
    swept: declare.counter({
      name: 'penstock_swept_total',
      help: 'Disagreements between ledger and queue that the sweeper mended, and those that it could not mend.',
      labels: { outcome: 'recreated, marked_dead, buried, forgotten, failed' },
      serves: 'Dead letters: mended by the sweeper; anything but zero means a queue lost something',
    }),
    replayed: declare.counter({
      name: 'penstock_replayed_events_total',
      help: 'Events of replays, by what was done with them: given back to the workers, or skipped.',
      labels: { outcome: 'moved, skipped' },
      serves: 'Dead letters: replays',
    }),
    providerRequestDuration: declare.histogram({
      name: 'http_client_request_duration_seconds',
      help: 'Time of one request to a provider, each retry by itself: of a worker to its API, of ingest for what a signature is verified by. Messages to destinations are not among them.',
      labels: {
        http_request_method: 'GET, POST',
        server_address: "a provider's host; other past fifty",
        http_response_status_code: 'the HTTP status, empty where none came',
        error_type: 'the status from 400 on, or a code of docs/ERRORS.md; empty on success; other past fifty',
      },
      buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      serves: "Workers and resources: providers' APIs",
    }),
    confirmations: declare.counter({
      name: 'penstock_confirmations_total',
      help: "Questions to a provider's API about an event, however many requests one took. Conflicts are counted apart.",
      labels: {
        provider: 'a provider of the registry',
        outcome: 'confirmed, denied, away (asked again later), failed (it refused us, or said what is no answer)',
      },
      serves: 'Dead letters: events confirmed; denied ones are dead, and a forgery or the wrong account',
    }),
    conflictFetches: declare.counter({
      name: 'penstock_conflict_fetches_total',
      help: 'Questions to providers about payments that do not add up, by outcome.',
      labels: { outcome: 'fetched, retry, failed' },
      serves: 'Dead letters: providers asked about conflicts; failed ones wait for somebody',
    }),
    conflictsOpen: declare.gauge({
      name: 'penstock_conflicts_open',
      help: 'Conflicts that are neither resolved nor dismissed.',
      labels: { kind: 'a kind of conflict' },
      serves: 'Dead letters: open conflicts; each is money that somebody has to look at',
    }),
    outboxDeliveries: declare.counter({
      name: 'penstock_outbox_deliveries_total',
      help: 'Attempts to deliver a message to a destination, by outcome.',
      labels: { destination: 'a name of the configuration', outcome: 'delivered, retry, dead' },
      serves: 'Workers and resources: outbox',
    }),
    outboxDuration: declare.histogram({
      name: 'penstock_outbox_delivery_duration_seconds',
      help: 'Time of one attempt to deliver a message.',
      labels: { destination: 'a name of the configuration' },
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      serves: 'Workers and resources: which destination is slow',
    }),
    outboxOldest: declare.gauge({
      name: 'penstock_outbox_oldest_seconds',
      help: 'How long ago the undelivered message that was touched least recently was.',
      labels: {},
      serves: 'Workers and resources: outbox lag; grows while a destination is down or the relay does not run',
    }),
  };
}
