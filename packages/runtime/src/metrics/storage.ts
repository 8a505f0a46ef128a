import type { Declare } from './declare.ts';

/** What is kept by month, and for how long. Read from the catalogue every hour, never from a table. */
export function storageMetrics(declare: Declare) {
  return {
    monthMissing: declare.counter({
      name: 'penstock_month_missing_total',
      help: 'Attempts at an event whose month had no partition; it is made on the spot where it can be.',
      labels: {},
      serves: 'Workers and resources: storage; anything but zero means that the months ahead were not made in time',
    }),
    monthsAhead: declare.gauge({
      name: 'penstock_months_ahead',
      help: 'Months after this one that every table kept by month has a partition for.',
      labels: {},
      serves: 'Workers and resources: storage; below 1 the next month is at risk',
    }),
    monthsDropped: declare.counter({
      name: 'penstock_months_dropped_total',
      help: 'Months of a table that retention dropped.',
      labels: { table: 'events, deliveries, confirmations, attempts' },
      serves: 'Workers and resources: storage',
    }),
    rowsPruned: declare.counter({
      name: 'penstock_rows_pruned_total',
      help: 'Rows beside finished events that retention deleted.',
      labels: { table: 'handler_runs, outbox, outbox_deliveries' },
      serves: 'Workers and resources: storage',
    }),
    oldestMonth: declare.gauge({
      name: 'penstock_oldest_month_timestamp_seconds',
      help: 'When the oldest month that is kept began, in Unix seconds.',
      labels: {},
      serves: 'Workers and resources: storage; tells whether retention keeps up',
    }),
  };
}
