import type { Declare } from './declare.ts';

/** What ingest does not let in, and how near it is to that. */
export function limitMetrics(declare: Declare) {
  return {
    turnedAway: declare.counter({
      name: 'penstock_turned_away_total',
      help: 'Requests that were not let in, whatever they said, by reason; their sender has the event and sends it again.',
      labels: {
        reason:
          'event_loop, queue_memory, requests, body_bytes (503); client_barred (429); head_too_large, address_too_long; connections (ended without a request in hand)',
      },
      serves: 'Webhook path: turned away; alert TurnedAway',
    }),
    rateLimited: declare.counter({
      name: 'penstock_rate_limited_total',
      help: 'Requests answered 429 because more came to their endpoint than its `rateLimit` allows.',
      labels: { endpoint: 'a name of the configuration' },
      serves: 'Webhook path: rate limits; alert RateLimited',
    }),
    rateLimitUnanswered: declare.counter({
      name: 'penstock_rate_limit_unanswered_total',
      help: 'Genuine requests let through although Redis did not say whether their endpoint has a token left.',
      labels: { endpoint: 'a name of the configuration' },
      serves: 'Webhook path: rate limits; alert RateLimitOpen',
    }),
    requestsInHand: declare.gauge({
      name: 'penstock_requests_in_hand',
      help: 'Requests of this ingest whose body is arriving or whose event is on its way to the queue.',
      labels: {},
      serves: 'Webhook path: in hand; at REQUESTS_MAX others are turned away',
    }),
    bodyBytesInHand: declare.gauge({
      name: 'penstock_body_bytes_in_hand',
      help: 'What the bodies of the requests in hand hold.',
      labels: {},
      serves: 'Webhook path: in hand; at BODIES_BYTES_MAX others are turned away',
    }),
    pressure: declare.gauge({
      name: 'penstock_pressure_ratio',
      help: 'How much is turned away because the event loop is late: 0 in calm, 0.5 every stranger, 1 everybody.',
      labels: {},
      serves: 'Webhook path: pressure; alert TurnedAway',
    }),
  };
}
