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
  const arrays = names.map(
    (column) => sql`${arrayOf(rows, column, columns[column])}::${sql.raw(columns[column] ?? 'text')}[]`,
  );
  return sql`unnest(${sql.join(arrays)}) as ${sql.id(name)} (${sql.join(names.map((column) => sql.id(column)))})`;
}

/** An array as PostgreSQL writes it. Source: PostgreSQL, 8.15.6, Array Input and Output Syntax. */
function arrayOf(
  rows: readonly { readonly [column: string]: unknown }[],
  column: string,
  type: ColumnType | undefined,
): string {
  let array = '{';
  for (const row of rows) {
    if (array.length > 1) array += ',';
    array += elementOf(row[column], type);
  }
  return `${array}}`;
}

function elementOf(value: unknown, type: ColumnType | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  if (type === 'jsonb') return quoted(JSON.stringify(value));
  if (value instanceof Date) return quoted(value.toISOString());
  return typeof value === 'string' ? quoted(value) : String(value);
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${text}"`;
}
