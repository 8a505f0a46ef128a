import { atEndpoint, inEnvironment, type Board } from './board.ts';

/** What will not be retried by itself, and what was mended. */
export const deadLetters: Board = {
  uid: 'penstock-dead-letters',
  title: 'Penstock: Dead letters',
  rows: [
    {
      title: 'Dead letters',
      panels: [
        {
          title: 'Died, by cause',
          unit: 'short',
          console: '/dead',
          queries: [
            {
              expr: `sum by (endpoint, code) (increase(penstock_dead_letters_total{${atEndpoint}}[$__rate_interval]))`,
              legend: '{{endpoint}} {{code}}',
            },
          ],
        },
        {
          title: 'Died, by whose matter it is',
          unit: 'short',
          console: '/dead',
          queries: [
            {
              expr: `sum by (class) (increase(penstock_dead_letters_total{${atEndpoint}}[1h]))`,
              legend: '{{class}}',
            },
          ],
        },
        {
          title: 'In the failed set',
          unit: 'short',
          console: '/dead',
          queries: [
            {
              expr: `max by (environment) (penstock_queue_jobs{${inEnvironment},state="failed"})`,
              legend: '{{environment}}',
            },
          ],
        },
        {
          title: 'Died, by provider',
          unit: 'short',
          console: '/dead',
          queries: [
            {
              expr: `sum by (provider) (increase(penstock_dead_letters_total{${atEndpoint}}[1h]))`,
              legend: '{{provider}}',
            },
          ],
        },
        {
          title: 'Given back by replays',
          unit: 'short',
          queries: [
            {
              expr: `sum by (outcome) (increase(penstock_replayed_events_total{${inEnvironment}}[$__rate_interval]))`,
              legend: '{{outcome}}',
            },
          ],
        },
        {
          title: 'Mended by the sweeper',
          unit: 'short',
          queries: [
            {
              expr: `sum by (outcome) (increase(penstock_swept_total{${inEnvironment}}[$__rate_interval]))`,
              legend: '{{outcome}}',
            },
          ],
        },
        {
          title: 'Open conflicts',
          unit: 'short',
          console: '/conflicts',
          queries: [
            {
              expr: `max by (environment, kind) (penstock_conflicts_open{${inEnvironment}})`,
              legend: '{{environment}} {{kind}}',
            },
          ],
        },
        {
          title: 'Providers asked about conflicts',
          unit: 'short',
          console: '/conflicts',
          queries: [
            {
              expr: `sum by (outcome) (increase(penstock_conflict_fetches_total{${inEnvironment}}[$__rate_interval]))`,
              legend: '{{outcome}}',
            },
          ],
        },
        {
          title: 'Events asked about at providers',
          unit: 'short',
          queries: [
            {
              expr: `sum by (provider, outcome) (increase(penstock_confirmations_total{${inEnvironment}}[$__rate_interval]))`,
              legend: '{{provider}} {{outcome}}',
            },
          ],
        },
        {
          title: 'Collisions',
          unit: 'short',
          queries: [
            {
              expr: `sum by (endpoint) (increase(penstock_events_total{${atEndpoint},outcome=~"collision|contested"}[1h]))`,
              legend: '{{endpoint}}',
            },
          ],
        },
      ],
    },
  ],
};
