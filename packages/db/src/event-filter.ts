import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { EventFilter } from '@penstock/core/replay';
import { referencesNamed } from './payments.ts';

/** A condition on rows of `ledger` joined with `events`: those that the filter means, on whatever page they stand. */
export function eventMatches(filter: EventFilter): RawBuilder<SqlBool> {
  const { states, endpoints, providers, accounts, types, fingerprints, codes, payments, events, from, to } = filter;
  const conditions = [
    sql<SqlBool>`ledger.state = any(${states}::text[])`,
    ...among('ledger.endpoint', endpoints),
    ...among('ledger.provider', providers),
    ...among('ledger.account', accounts),
    ...among('ledger.failure_fingerprint', fingerprints),
    ...among('ledger.failure_code', codes),
    ...among('ledger.provider_event_id', events),
    ...(types === undefined ? [] : [sql<SqlBool>`events.type like any(${types.map(likePattern)}::text[])`]),
    ...(payments === undefined ? [] : [ofPayments(payments)]),
    ...(from === undefined ? [] : [sql<SqlBool>`ledger.received_at >= ${from}::timestamptz`]),
    ...(to === undefined ? [] : [sql<SqlBool>`ledger.received_at < ${to}::timestamptz`]),
  ];
  return sql<SqlBool>`(${sql.join(conditions, sql` and `)})`;
}

function among(column: string, values: readonly string[] | undefined): readonly RawBuilder<SqlBool>[] {
  return values === undefined ? [] : [sql<SqlBool>`${sql.ref(column)} = any(${[...values]}::text[])`];
}

/** `charge.*` is everything that begins with `charge.`; what LIKE itself takes for a sign is itself. */
function likePattern(type: string): string {
  const literal = type.replace(/[\\%_]/g, String.raw`\$&`);
  return literal.endsWith('*') ? `${literal.slice(0, -1)}%` : literal;
}

function ofPayments(ids: readonly string[]): RawBuilder<SqlBool> {
  const names = ids.flatMap(referencesNamed);
  return sql<SqlBool>`ledger.id in (
    select event_id from payment_facts where payment_key in (
      select payment_key from payment_references where reference = any(${names}::text[])
      union select key from payments where id = any(${[...ids]}::text[])))`;
}
