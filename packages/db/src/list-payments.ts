import { sql, type SqlBool } from 'kysely';
import type { Connection } from './database.ts';
import { all, given, moneyConditions, olderThan, type MoneyFilter, type PageRequest } from './listing.ts';
import { paymentKeysNamed } from './payments.ts';

export interface PaymentFilter extends MoneyFilter {
  readonly provider?: string | undefined;
  /** Any id that the payment goes by. */
  readonly payment?: string | undefined;
}

export interface PaymentKey {
  readonly occurredAt: Date;
  readonly key: number;
}

/** Payments by when something last happened to them, newest first. */
export async function listPayments(db: Connection, filter: PaymentFilter, page: PageRequest<PaymentKey>) {
  return db
    .selectFrom('payments')
    .selectAll()
    .where(
      all([
        ...paymentConditions('payments', filter),
        ...given(page.after ?? undefined, ({ occurredAt, key }) =>
          olderThan(['occurred_at', 'key'], [occurredAt, key]),
        ),
      ]),
    )
    .orderBy('occurred_at', 'desc')
    .orderBy('key', 'desc')
    .limit(page.limit)
    .execute();
}

export interface PartKey {
  readonly occurredAt: Date;
  readonly account: string;
  readonly id: string;
}

/** Refunds by when something last happened to them, newest first, with the id of their payment. */
export async function listRefunds(db: Connection, filter: PaymentFilter, page: PageRequest<PartKey>) {
  const columns = ['refunds.occurred_at', 'refunds.account', 'refunds.id'];
  return db
    .selectFrom('refunds')
    .innerJoin('payments', 'payments.key', 'refunds.payment_key')
    .selectAll('refunds')
    .select(['payments.id as payment', 'payments.provider'])
    .where(
      all([
        ...paymentConditions('refunds', filter),
        ...given(page.after ?? undefined, ({ occurredAt, account, id }) =>
          olderThan(columns, [occurredAt, account, id]),
        ),
      ]),
    )
    .orderBy('refunds.occurred_at', 'desc')
    .orderBy('refunds.account', 'desc')
    .orderBy('refunds.id', 'desc')
    .limit(page.limit)
    .execute();
}

export interface DisputeKey extends PartKey {
  readonly paymentKey: number;
}

/** Disputes likewise; one that is about several payments is a row for each. */
export async function listDisputes(db: Connection, filter: PaymentFilter, page: PageRequest<DisputeKey>) {
  const columns = ['disputes.occurred_at', 'disputes.account', 'disputes.id', 'disputes.payment_key'];
  return db
    .selectFrom('disputes')
    .innerJoin('payments', 'payments.key', 'disputes.payment_key')
    .selectAll('disputes')
    .select(['payments.id as payment', 'payments.provider'])
    .where(
      all([
        ...paymentConditions('disputes', filter),
        ...given(page.after ?? undefined, (last) =>
          olderThan(columns, [last.occurredAt, last.account, last.id, last.paymentKey]),
        ),
      ]),
    )
    .orderBy('disputes.occurred_at', 'desc')
    .orderBy('disputes.account', 'desc')
    .orderBy('disputes.id', 'desc')
    .orderBy('disputes.payment_key', 'desc')
    .limit(page.limit)
    .execute();
}

export interface PayoutFilter extends MoneyFilter {
  readonly provider?: string | undefined;
}

/** Payouts likewise. */
export async function listPayouts(db: Connection, filter: PayoutFilter, page: PageRequest<PartKey>) {
  return db
    .selectFrom('payouts')
    .selectAll()
    .where(
      all([
        ...moneyConditions('payouts', filter),
        ...given(filter.provider, (value) => sql<SqlBool>`provider = ${value}`),
        ...given(page.after ?? undefined, (last) =>
          olderThan(['occurred_at', 'account', 'id'], [last.occurredAt, last.account, last.id]),
        ),
      ]),
    )
    .orderBy('occurred_at', 'desc')
    .orderBy('account', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute();
}

function paymentConditions(table: 'payments' | 'refunds' | 'disputes', filter: PaymentFilter) {
  const key = sql.ref(table === 'payments' ? 'payments.key' : `${table}.payment_key`);
  return [
    ...moneyConditions(table, filter),
    ...given(filter.provider, (value) => sql<SqlBool>`payments.provider = ${value}`),
    ...given(filter.payment, (value) => sql<SqlBool>`${key} in (${paymentKeysNamed(value)})`),
  ];
}
