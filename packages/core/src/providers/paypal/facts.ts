import { minorUnits } from '../../money.ts';
import { malformedEvent } from '../event-body.ts';
import { readDateTime } from './date-time.ts';
import type { PayPalMoney } from './resources.ts';

/** An event's own time, for resources that carry none. */
export interface EventTime {
  readonly create_time?: string | null | undefined;
}

/**
 * When a resource last became what it is: its update_time, else its
 * create_time, else the event's, in epoch milliseconds. Resources carry whole
 * seconds. Throws PermanentError `malformed_event` where none can be read.
 */
export function occurredAtMsOf(
  resource: { readonly update_time?: string | null | undefined; readonly create_time?: string | null | undefined },
  event: EventTime,
): number {
  const written = resource.update_time ?? resource.create_time ?? event.create_time;
  const time = written === null || written === undefined ? null : readDateTime(written);
  if (time === null) throw malformedEvent('it has no time that is written as RFC 3339');
  return time.getTime();
}

/** `{ amount, currency }` in minor units, or nothing where no money is named. */
export function moneyFields(money: PayPalMoney | undefined): { readonly amount?: number; readonly currency?: string } {
  return money === undefined ? {} : { amount: minorUnits(money.decimal, money.currency), currency: money.currency };
}

/** The same for money given back, which v1 writes with a minus. */
export function returnedMoneyFields(money: PayPalMoney | undefined): {
  readonly amount?: number;
  readonly currency?: string;
} {
  const { amount, currency } = moneyFields(money);
  return amount === undefined || currency === undefined ? {} : { amount: Math.abs(amount), currency };
}

/** Looks a documented value up; throws PermanentError `malformed_event` for one that is not in the table. */
export function documented<Meaning>(
  table: ReadonlyMap<string, Meaning>,
  written: { readonly value: string; readonly path: string },
): Meaning {
  const meaning = table.get(written.value);
  if (meaning === undefined) throw malformedEvent(`${written.path} is none of ${[...table.keys()].join(', ')}`);
  return meaning;
}
