import { inEnvironment, type Board, type BoardPanel } from './board.ts';

const panel = (title: string, unit: string, expr: string, legend: string): BoardPanel => ({
  title,
  unit,
  queries: [{ expr, legend }],
});
const all = `{${inEnvironment}}`;

/** What the processes run on. */
export const workers: Board = {
  uid: 'penstock-workers',
  title: 'Penstock: Workers and resources',
  rows: [
    {
      title: 'Processes',
      panels: [
        panel(
          'What runs',
          'short',
          `sum by (process, version, commit, node) (penstock_build_info${all})`,
          '{{process}} {{version}} {{commit}} {{node}}',
        ),
        panel('Peers that answer', 'short', `min by (peer) (penstock_peer_up${all})`, '{{peer}}'),
        panel(
          'Event-loop delay (P99)',
          's',
          `max by (process) (nodejs_eventloop_lag_p99_seconds${all})`,
          '{{process}}',
        ),
        panel(
          'CPU',
          'percentunit',
          `sum by (process) (rate(process_cpu_seconds_total${all}[$__rate_interval]))`,
          '{{process}}',
        ),
        panel('Memory', 'bytes', `sum by (process) (process_resident_memory_bytes${all})`, '{{process}}'),
        panel(
          'Handlers (P95)',
          's',
          `histogram_quantile(0.95, sum by (handler, le) (rate(penstock_handler_duration_seconds_bucket${all}[$__rate_interval])))`,
          '{{handler}}',
        ),
        panel(
          'Handlers by outcome',
          'cps',
          `sum by (handler, outcome) (rate(penstock_handler_duration_seconds_count${all}[$__rate_interval]))`,
          '{{handler}} {{outcome}}',
        ),
        panel(
          'Logins',
          'short',
          `sum by (outcome) (increase(penstock_console_logins_total${all}[$__rate_interval]))`,
          '{{outcome}}',
        ),
      ],
    },
    {
      title: 'Spool of ingest',
      panels: [
        panel('Oldest', 's', `max by (environment) (penstock_spool_oldest_seconds${all})`, '{{environment}}'),
        panel('Bytes', 'bytes', `sum by (environment) (penstock_spool_bytes${all})`, '{{environment}}'),
        panel(
          'Deliveries',
          'cps',
          `sum by (outcome) (rate(penstock_spool_deliveries_total${all}[$__rate_interval]))`,
          '{{outcome}}',
        ),
      ],
    },
    {
      title: 'Read API',
      panels: [
        panel(
          'Keys, by what became of them',
          'short',
          `sum by (outcome) (increase(penstock_api_keys_total${all}[$__rate_interval]))`,
          '{{outcome}}',
        ),
      ],
    },
    {
      title: 'Outbox',
      panels: [
        panel('Lag', 's', `max by (environment) (penstock_outbox_oldest_seconds${all})`, '{{environment}}'),
        panel(
          'Deliveries',
          'cps',
          `sum by (destination, outcome) (rate(penstock_outbox_deliveries_total${all}[$__rate_interval]))`,
          '{{destination}} {{outcome}}',
        ),
        panel(
          'Delivery (P95)',
          's',
          `histogram_quantile(0.95, sum by (destination, le) (rate(penstock_outbox_delivery_duration_seconds_bucket${all}[$__rate_interval])))`,
          '{{destination}}',
        ),
      ],
    },
    {
      title: "Providers' APIs",
      panels: [
        panel(
          'Requests',
          'cps',
          `sum by (process, server_address, http_response_status_code, error_type) (rate(http_client_request_duration_seconds_count${all}[$__rate_interval]))`,
          '{{process}} {{server_address}} {{http_response_status_code}} {{error_type}}',
        ),
        panel(
          'Answer (P95)',
          's',
          `histogram_quantile(0.95, sum by (process, server_address, le) (rate(http_client_request_duration_seconds_bucket${all}[$__rate_interval])))`,
          '{{process}} {{server_address}}',
        ),
      ],
    },
    {
      title: 'PostgreSQL',
      panels: [
        panel(
          'Statements (P95)',
          's',
          `histogram_quantile(0.95, sum by (db_operation_name, db_collection_name, le) (rate(db_client_operation_duration_seconds_bucket${all}[$__rate_interval])))`,
          '{{db_operation_name}} {{db_collection_name}}',
        ),
        panel(
          'Statements that failed',
          'cps',
          `sum by (error_type) (rate(db_client_operation_duration_seconds_count{${inEnvironment},error_type!=""}[$__rate_interval]))`,
          '{{error_type}}',
        ),
        panel(
          'Pool',
          'short',
          `sum by (process, db_client_connection_state) (db_client_connection_count${all})`,
          '{{process}} {{db_client_connection_state}}',
        ),
        panel('Pool: most', 'short', `sum by (process) (db_client_connection_max${all})`, '{{process}}'),
        panel(
          'Waiting for a connection',
          'short',
          `sum by (process) (db_client_connection_pending_requests${all})`,
          '{{process}}',
        ),
        panel('Standbys', 'short', `max by (environment) (penstock_database_replicas${all})`, '{{environment}}'),
        panel(
          'Standby lag',
          's',
          `max by (environment) (penstock_database_replica_lag_seconds${all})`,
          '{{environment}}',
        ),
        panel('Months ahead', 'short', `min by (environment) (penstock_months_ahead${all})`, '{{environment}}'),
        panel(
          'Oldest month kept',
          's',
          `time() - min by (environment) (penstock_oldest_month_timestamp_seconds${all})`,
          '{{environment}}',
        ),
        panel(
          'Attempts without a month',
          'short',
          `sum by (environment) (increase(penstock_month_missing_total${all}[1h]))`,
          '{{environment}}',
        ),
        panel(
          'Months dropped',
          'short',
          `sum by (table) (increase(penstock_months_dropped_total${all}[1h]))`,
          '{{table}}',
        ),
        panel('Rows pruned', 'short', `sum by (table) (increase(penstock_rows_pruned_total${all}[1h]))`, '{{table}}'),
      ],
    },
    {
      title: 'Queue',
      panels: [
        panel('Durable', 'bool', `min by (environment) (penstock_queue_durable${all})`, '{{environment}}'),
        panel(
          'Redis: append-only file written',
          'bool',
          `min by (environment) (penstock_redis_aof_last_write_ok${all})`,
          '{{environment}}',
        ),
        panel(
          'Redis: memory',
          'bytes',
          `max by (environment) (penstock_redis_memory_used_bytes${all})`,
          '{{environment}}',
        ),
        panel(
          'Redis: maxmemory',
          'bytes',
          `max by (environment) (penstock_redis_memory_max_bytes${all})`,
          '{{environment}}',
        ),
        panel('Redis: replicas', 'short', `max by (environment) (penstock_redis_replicas${all})`, '{{environment}}'),
        panel(
          'Redis: replica lag',
          'bytes',
          `max by (environment) (penstock_redis_replica_lag_bytes${all})`,
          '{{environment}}',
        ),
      ],
    },
  ],
};
