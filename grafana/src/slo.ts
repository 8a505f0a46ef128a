import { inEnvironment, type Board } from './board.ts';

const windows = ['5m', '30m', '1h', '6h', '1d', '3d'] as const;

const objective = (title: string, record: string) => ({
  title,
  panels: [
    {
      title: 'Share missed, over windows',
      unit: 'percentunit',
      queries: windows.map((window) => ({
        expr: `penstock:${record}:ratio_rate${window}{${inEnvironment}}`,
        legend: window,
      })),
    },
    {
      title: 'Burn rate: 1 spends the budget in 30 days',
      unit: 'short',
      queries: (['1h', '6h', '3d'] as const).map((window) => ({
        expr: `penstock:${record}:ratio_rate${window}{${inEnvironment}} / 0.001`,
        legend: window,
      })),
    },
  ],
});

/** The two objectives and their error budgets. */
export const slo: Board = {
  uid: 'penstock-slo',
  title: 'Penstock: SLO',
  rows: [
    objective('99.9 % of genuine webhooks answered 2xx within 250 ms', 'answered_late'),
    objective('99.9 % of events processed within 30 s', 'processed_late'),
    {
      title: 'Percentiles as recorded',
      panels: [
        {
          title: 'P99 to the answer',
          unit: 's',
          queries: [
            { expr: `penstock:answer_seconds:p99{${inEnvironment},endpoint=~"$endpoint"}`, legend: '{{endpoint}}' },
          ],
        },
        {
          title: 'P99 to the effect',
          unit: 's',
          queries: [
            {
              expr: `penstock:received_to_processed_seconds:p99{${inEnvironment},endpoint=~"$endpoint"}`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          title: 'Accepted events answered after more than 250 ms',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (provider, type) (increase(penstock_events_answered_late_total{${inEnvironment},endpoint=~"$endpoint"}[$__range])) / (sum by (provider, type) (increase(penstock_events_total{${inEnvironment},endpoint=~"$endpoint",process="ingest",outcome=~"queued|already_queued|already_processed"}[$__range])) > 0)`,
              legend: '{{provider}} {{type}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Canary: an event of our own, every minute',
      panels: [
        {
          title: 'Arrived and lost',
          unit: 'short',
          queries: [
            {
              expr: `sum by (outcome) (increase(penstock_canaries_total{${inEnvironment}}[5m]))`,
              legend: '{{outcome}}',
            },
          ],
        },
        {
          title: 'Since one last arrived',
          unit: 's',
          queries: [
            {
              expr: `time() - max by (environment) (penstock_canary_last_success_timestamp_seconds{${inEnvironment}} or penstock_canary_since_timestamp_seconds{${inEnvironment}})`,
              legend: '{{environment}}',
            },
          ],
        },
        {
          title: 'From its sending to its finished row',
          unit: 's',
          queries: [{ expr: `max(penstock_canary_round_trip_seconds{${inEnvironment}})`, legend: 'round trip' }],
        },
      ],
    },
  ],
};
