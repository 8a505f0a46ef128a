import { sql, type RawBuilder } from 'kysely';

/** A column's type, by PostgreSQL's name for it. */
export type ColumnType = 'bigint' | 'boolean' | 'int' | 'jsonb' | 'text' | 'timestamptz' | 'uuid';

/** What a set holds, by column. */
export type SetColumns = Readonly<Record<string, ColumnType>>;

/**
 * Rows to select from, as `unnest` of one array a column; null and undefined
 * are NULL. A statement takes any number of rows by it, and has as many
 * parameters as there are columns.
 *
 * Of JSON (`json_to_recordset`) the server makes a table of names for every
 * row: that takes two to three times as long as arrays do, and is most of what
 * a statement that inserts many rows costs (bench/RESULTS.md).
 */
export function setOf<Columns extends SetColumns>(
  name: string,
  columns: Columns,
  rows: readonly { readonly [Column in keyof Columns]: unknown }[],
): RawBuilder<unknown> {
  const names = Object.keys(columns);
  const arrays = names.map((column) => {
    const type = columns[column] ?? 'text';
    return type === 'jsonb' ? documentsOf(rows, column) : sql`${arrayOf(rows, column)}::${sql.raw(type)}[]`;
  });
  return sql`unnest(${sql.join(arrays)}) as ${sql.id(name)} (${sql.join(names.map((column) => sql.id(column)))})`;
}

type Rows = readonly { readonly [column: string]: unknown }[];

/** Stands between documents: JSON has no control characters unescaped (RFC 7464, 2.2). */
const RECORD_SEPARATOR = '\u{1e}';

/** No JSON text. */
const NO_DOCUMENT = '-';

/** Documents one after the other: in an array each quotation mark would be escaped here and read twice there. */
function documentsOf(rows: Rows, column: string): RawBuilder<unknown> {
  let documents = '';
  for (const row of rows) {
    const value = row[column];
    if (documents !== '') documents += RECORD_SEPARATOR;
    documents += value === null || value === undefined ? NO_DOCUMENT : JSON.stringify(value);
  }
  return sql`string_to_array(${documents}::text, ${sql.lit(RECORD_SEPARATOR)}, ${sql.lit(NO_DOCUMENT)})::jsonb[]`;
}

/** An array as PostgreSQL writes it. Source: PostgreSQL, 8.15.6, Array Input and Output Syntax. */
function arrayOf(rows: Rows, column: string): string {
  let array = '{';
  for (const row of rows) {
    if (array.length > 1) array += ',';
    array += elementOf(row[column]);
  }
  return `${array}}`;
}

function elementOf(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (value instanceof Date) return quoted(value.toISOString());
  return typeof value === 'string' ? quoted(value) : String(value);
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${text}"`;
}
