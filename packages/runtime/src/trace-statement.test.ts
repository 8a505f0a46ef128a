import { expect, test } from 'vitest';
import { spanOfStatement } from './trace-statement.ts';

const handWritten = { operation: 'sql', table: null, durationMs: 1, errorCode: null };

test.for([
  { sql: 'select "id" from "ledger" where "account" = $1', name: 'select ledger' },
  { sql: 'insert into "outbox_deliveries" ("id") values ($1)', name: 'insert outbox_deliveries' },
  { sql: 'update ledger set state = $1 where id = $2', name: 'update ledger' },
  { sql: 'delete from handler_runs where id = $1', name: 'delete handler_runs' },
  {
    sql: 'with entered as (insert into ledger (id) values ($1) returning id) select id from entered',
    name: 'insert ledger',
  },
  { sql: 'select 1', name: 'select' },
  { sql: '  begin', name: 'begin' },
  { sql: 'savepoint handler; set local statement_timeout = 10000', name: 'savepoint' },
  { sql: '', name: 'statement' },
])('the statement $sql is named $name', ({ sql, name }) => {
  expect(spanOfStatement({ ...handWritten, sql }).name).toBe(name);
});

test('the text of a statement has no value in it: literals of a handler’s own SQL are left out', () => {
  const sql = `select * from people where name = 'Jane O''Hara' and age > 42.5 and id = $1 and note = 'unfinished`;
  expect(spanOfStatement({ ...handWritten, sql }).attributes?.['db.query.text']).toBe(
    'select * from people where name = ? and age > ? and id = $1 and note = ?',
  );
});
