import type { Declare } from './declare.ts';

/** The money that workers saw move. */
export function paymentMetrics(declare: Declare) {
  return {
    moneyMoved: declare.counter({
      name: 'penstock_money_minor_units_total',
      help: 'Money that committed events moved, in minor units of its currency. A worker that dies between commit and count, and a rebuild, are not in it: the ledger is the account.',
      labels: {
        provider: 'a provider of the registry',
        currency: 'ISO 4217, other past two hundred',
        movement: 'captured, refunded, disputed, and each with _reversed',
      },
      serves: 'Payments: captured, refunded, disputed',
    }),
    minorUnitsPerMajor: declare.gauge({
      name: 'penstock_currency_minor_units',
      help: 'Minor units of one major unit: 100 for EUR, 1 for JPY.',
      labels: { currency: 'ISO 4217' },
      serves: 'Payments: turns minor units into amounts that people read',
    }),
  };
}
