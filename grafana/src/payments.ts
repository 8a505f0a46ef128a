import { inEnvironment, type Board } from './board.ts';

const money = (movement: string): string =>
  `sum by (provider, currency) (increase(penstock_money_minor_units_total{${inEnvironment},provider=~"$provider",movement="${movement}"}[$__rate_interval])) / on (currency) group_left () max by (currency) (penstock_currency_minor_units)`;

const panel = (title: string, movement: string) => ({
  title,
  unit: 'short',
  queries: [{ expr: money(movement), legend: '{{provider}} {{currency}}' }],
});

/** The money that workers saw move, in units of its currency. The ledger is the account; this shows its pace. */
export const payments: Board = {
  uid: 'penstock-payments',
  title: 'Penstock: Payments',
  rows: [
    {
      title: 'Money moved',
      panels: [panel('Captured', 'captured'), panel('Refunded', 'refunded'), panel('Disputed', 'disputed')],
    },
    {
      title: 'Taken back',
      panels: [
        panel('Captures undone', 'captured_reversed'),
        panel('Refunds that failed', 'refunded_reversed'),
        panel('Disputes won', 'disputed_reversed'),
      ],
    },
  ],
};
