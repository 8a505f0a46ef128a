import { atEndpoint, inEnvironment, type Board } from './board.ts';

const answers = `http_route="/webhooks/:endpoint",${atEndpoint}`;
const percentiles = (expr: (quantile: string) => string) =>
  (['0.5', '0.9', '0.95', '0.99'] as const).map((quantile) => ({
    expr: expr(quantile),
    legend: `P${quantile.slice(2).padEnd(2, '0')}`,
    exemplars: true as const,
  }));

/** From the wire to the effect. */
export const webhookPath: Board = {
  uid: 'penstock-webhook-path',
  title: 'Penstock: Webhook path',
  rows: [
    {
      title: 'Receiving',
      panels: [
        {
          title: 'Time to the answer',
          unit: 's',
          queries: percentiles(
            (q) =>
              `histogram_quantile(${q}, sum by (le) (rate(http_server_request_duration_seconds_bucket{${answers}}[$__rate_interval])))`,
          ),
        },
        {
          title: 'Requests by status',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (endpoint, http_response_status_code) (rate(http_server_request_duration_seconds_count{${answers}}[$__rate_interval]))`,
              legend: '{{endpoint}} {{http_response_status_code}}',
            },
          ],
        },
        {
          title: 'Errors of ours by endpoint',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (endpoint) (rate(http_server_request_duration_seconds_count{${answers},http_response_status_code=~"5.."}[$__rate_interval]))`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          title: 'Refused, by reason',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (endpoint, code) (rate(penstock_verification_failures_total{${atEndpoint}}[$__rate_interval]))`,
              legend: '{{endpoint}} {{code}}',
            },
          ],
        },
        {
          title: 'Turned away, by reason',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (reason) (rate(penstock_turned_away_total{${inEnvironment}}[$__rate_interval]))`,
              legend: '{{reason}}',
            },
          ],
        },
        {
          title: 'Rate limits: refused, let through unasked',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (endpoint) (rate(penstock_rate_limited_total{${inEnvironment},endpoint=~"$endpoint"}[$__rate_interval]))`,
              legend: '{{endpoint}} refused',
            },
            {
              expr: `sum by (endpoint) (rate(penstock_rate_limit_unanswered_total{${inEnvironment},endpoint=~"$endpoint"}[$__rate_interval]))`,
              legend: '{{endpoint}} unasked',
            },
          ],
        },
        {
          title: 'Pressure',
          unit: 'percentunit',
          queries: [{ expr: `penstock_pressure_ratio{${inEnvironment}}`, legend: '{{instance}}' }],
        },
        {
          title: 'Requests in hand',
          unit: 'short',
          queries: [{ expr: `penstock_requests_in_hand{${inEnvironment}}`, legend: '{{instance}}' }],
        },
        {
          title: 'What their bodies hold',
          unit: 'bytes',
          queries: [{ expr: `penstock_body_bytes_in_hand{${inEnvironment}}`, legend: '{{instance}}' }],
        },
        {
          title: 'Events by outcome',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (process, outcome) (rate(penstock_events_total{${atEndpoint}}[$__rate_interval]))`,
              legend: '{{process}} {{outcome}}',
            },
          ],
        },
        {
          title: 'Events by type',
          unit: 'cps',
          queries: [
            {
              expr: `topk(15, sum by (type) (rate(penstock_events_total{${atEndpoint},process="ingest"}[$__rate_interval])))`,
              legend: '{{type}}',
            },
          ],
        },
        {
          title: 'How late providers send (P95)',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (provider, le) (rate(penstock_provider_created_to_received_seconds_bucket{${atEndpoint}}[$__rate_interval])))`,
              legend: '{{provider}}',
            },
          ],
        },
        {
          title: 'Behind others: sources beyond their rate',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (endpoint) (rate(penstock_overflow_total{${inEnvironment},endpoint=~"$endpoint"}[$__rate_interval]))`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          title: 'Signing keys: since last use',
          unit: 's',
          console: '/keys',
          queries: [
            {
              expr: `time() - max by (endpoint, key) (penstock_key_last_used_timestamp_seconds{${inEnvironment},endpoint=~"$endpoint"})`,
              legend: '{{endpoint}} {{key}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Backlog',
      panels: [
        {
          title: 'Jobs by state',
          unit: 'short',
          console: '/queues',
          queries: [{ expr: `max by (state) (penstock_queue_jobs{${inEnvironment}})`, legend: '{{state}}' }],
        },
        {
          title: 'Age of what is taken next',
          unit: 's',
          queries: [
            {
              expr: `max by (environment) (penstock_queue_oldest_waiting_seconds{${inEnvironment}})`,
              legend: '{{environment}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Processing',
      panels: [
        {
          title: 'Receipt to effect',
          unit: 's',
          queries: percentiles(
            (q) =>
              `histogram_quantile(${q}, sum by (le) (rate(penstock_received_to_processed_seconds_bucket{${atEndpoint}}[$__rate_interval])))`,
          ),
        },
        {
          title: 'Receipt to ledger (P95)',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (endpoint, le) (rate(penstock_received_to_committed_seconds_bucket{${atEndpoint}}[$__rate_interval])))`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          title: 'Succeeded at which attempt',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (attempt) (rate(penstock_received_to_processed_seconds_count{${atEndpoint}}[$__rate_interval]))`,
              legend: '{{attempt}}',
            },
          ],
        },
        {
          title: 'Failed attempts',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (endpoint, outcome) (rate(penstock_failed_attempts_total{${inEnvironment}}[$__rate_interval]))`,
              legend: '{{endpoint}} {{outcome}}',
            },
          ],
        },
        {
          title: 'Processes that answer',
          unit: 'short',
          queries: [{ expr: `sum by (process) (penstock_build_info{${inEnvironment}})`, legend: '{{process}}' }],
        },
      ],
    },
  ],
};
