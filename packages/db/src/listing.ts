import { sql, type RawBuilder, type SqlBool } from 'kysely';

/** One page of a list, newest first. */
export interface PageRequest<Key> {
  readonly limit: number;
  /** The last row of the page before; null for the first page. */
  readonly after: Key | null;
}

/** What payments, refunds, disputes and payouts can be searched by. Amounts are minor units; times are inclusive, then exclusive. */
export interface MoneyFilter {
  readonly account?: string | undefined;
  readonly status?: string | undefined;
  readonly currency?: string | undefined;
  readonly amountFrom?: number | undefined;
  readonly amountTo?: number | undefined;
  readonly occurredFrom?: Date | undefined;
  readonly occurredTo?: Date | undefined;
}

/** A condition where the filter was given, none where it was not. */
export function given<Value, Condition>(
  value: Value | undefined,
  condition: (value: Value) => Condition,
): readonly Condition[] {
  return value === undefined ? [] : [condition(value)];
}

/** What `filter` asks of a table that has these columns. */
export function moneyConditions(
  table: 'payments' | 'refunds' | 'disputes' | 'payouts',
  filter: MoneyFilter,
): readonly RawBuilder<SqlBool>[] {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${table}.${name}`);
  return [
    ...given(filter.account, (value) => sql<SqlBool>`${column('account')} = ${value}`),
    ...given(filter.status, (value) => sql<SqlBool>`${column('status')} = ${value}`),
    ...given(filter.currency, (value) => sql<SqlBool>`${column('currency')} = ${value}`),
    ...given(filter.amountFrom, (value) => sql<SqlBool>`${column('amount')} >= ${value}`),
    ...given(filter.amountTo, (value) => sql<SqlBool>`${column('amount')} <= ${value}`),
    ...given(filter.occurredFrom, (value) => sql<SqlBool>`${column('occurred_at')} >= ${value}`),
    ...given(filter.occurredTo, (value) => sql<SqlBool>`${column('occurred_at')} < ${value}`),
  ];
}

/** Rows after this one in descending order: one comparison of rows, which an index of these columns answers. */
export function olderThan(columns: readonly string[], key: readonly (string | number | Date)[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.join(columns.map((column) => sql.ref(column)))}) < (${sql.join([...key])})`;
}

/** All of these. */
export function all(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return conditions.length === 0 ? sql<SqlBool>`true` : sql<SqlBool>`${sql.join([...conditions], sql` and `)}`;
}
