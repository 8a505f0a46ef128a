import type { EndedSpan, SpanStart } from './tracing.ts';

/** A statement that is over. */
export interface EndedStatement {
  /** `sql` where it is hand-written; its text tells more then. */
  readonly operation: string;
  readonly table: string | null;
  readonly sql: string;
  readonly durationMs: number;
  /** SQLSTATE, or another code of the driver; null on success. */
  readonly errorCode: string | null;
}

/** Longer ones are cut off: a statement of ours has some 1,000 characters. */
const TEXT_CHARACTERS_MAX = 512;

/**
 * A statement as a span. It is named by what it does to which table. Its text has
 * placeholders where the values were; literals of a handler's own SQL are left out.
 * Source: OpenTelemetry, Semantic conventions for database client spans.
 */
export function spanOfStatement({ sql, durationMs, errorCode, ...named }: EndedStatement): EndedSpan {
  const span = { ...describe(sql, named), durationMs };
  if (errorCode === null) return span;
  return {
    ...span,
    errorType: errorCode,
    attributes: { ...span.attributes, 'db.response.status_code': errorCode },
  };
}

/** Statements are few, and each is executed for every event. */
const described = new Map<string, SpanStart>();
const DESCRIBED_MAX = 1_000;

function describe(sql: string, named: Pick<EndedStatement, 'operation' | 'table'>): SpanStart {
  const known = described.get(sql);
  if (known !== undefined) return known;
  if (described.size >= DESCRIBED_MAX) described.clear();
  const { operation, table } = named.table === null ? summarise(sql) : named;
  const span: SpanStart = {
    name: table === null ? operation : `${operation} ${table}`,
    kind: 'client',
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      'db.collection.name': table ?? undefined,
      'db.query.text': sql
        .slice(0, TEXT_CHARACTERS_MAX)
        .replaceAll(/'(?:[^']|'')*(?:'|$)/g, '?')
        .replaceAll(/(?<![\w$.])\d+(?:\.\d+)?/g, '?'),
    },
  };
  described.set(sql, span);
  return span;
}

const forms =
  /(?:^|[\s)])(?<operation>select|insert|update|delete)\b(?:\s+(?:into|from|only)\b)?\s*(?:(?<table>(?:"?\w+"?\.)?"?\w+"?))?/i;

/** `insert ledger`, `select events`, `begin`: few, so that they can be told apart and counted. */
function summarise(sql: string): { readonly operation: string; readonly table: string | null } {
  const first = /^\s*(?<word>[a-z]+)/i.exec(sql)?.groups?.['word']?.toLowerCase() ?? 'statement';
  if (!/^(?:select|insert|update|delete|with)$/.test(first)) return { operation: first, table: null };
  const { operation = first, table } = forms.exec(first === 'with' ? afterWith(sql) : sql)?.groups ?? {};
  const named =
    operation.toLowerCase() === 'select'
      ? /\bfrom\s+(?<table>"?\w+"?(?:\."?\w+"?)?)/i.exec(sql)?.groups?.['table']
      : table;
  return { operation: operation.toLowerCase(), table: named?.replaceAll('"', '') ?? null };
}

/** What a `with` is about is said in the first part that writes, or else in the last. */
function afterWith(sql: string): string {
  return (
    /\((?<part>\s*(?:insert|update|delete)\b[\s\S]*)/i.exec(sql)?.groups?.['part'] ?? sql.slice(sql.lastIndexOf(')'))
  );
}
