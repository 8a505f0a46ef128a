import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { takenAway } from './testing/taken-away.ts';

const folder = path.join(import.meta.dirname, '../../../migrations');
const files = readdirSync(folder)
  .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
  .toSorted();

/** The last one of before there was a version to be run beside; those are never edited. */
const LAST_FREE = 14;

test('a migration that takes something away says so by its name, and after which one it may', () => {
  const wrong = files
    .filter((file) => Number(file.slice(0, 4)) > LAST_FREE)
    .flatMap((file) => {
      const after = /^\d{4}_contract_after_(?<number>\d{4})_/.exec(file)?.groups?.['number'];
      if (after !== undefined)
        return files.some((other) => other < file && other.startsWith(after))
          ? []
          : [`${file}: there is no ${after} before it`];
      return takenAway(readFileSync(path.join(folder, file), 'utf8')).map((what) => `${file} ${what}`);
    });
  expect(wrong).toEqual([]);
});

test.each([
  ['drop table payouts', 'drops'],
  ['DROP VIEW deaths', 'drops'],
  ['drop function if exists months_of(text)', 'drops'],
  ['delete from key_uses', 'empties'],
  ['alter table ledger rename column state to status', 'renames or moves'],
  ['alter table only ledger rename state to status', 'renames or moves'],
  ['alter table if exists payouts rename to transfers', 'renames or moves'],
  ['alter table "ledger"\n  drop column "state"', 'drops a column'],
  ['alter table ledger drop state', 'drops a column'],
  ['alter table ledger add a text, drop if exists state cascade', 'drops a column'],
  ['alter table ledger alter column attempts drop default', 'drops a default'],
  ['alter table payments alter amount type numeric', 'changes a type'],
  ['alter table payments alter column amount set data type numeric', 'changes a type'],
  ['alter table payments alter column amount set not null', 'refuses null'],
  ['alter table ledger add column place text not null', 'adds a column that has to be told'],
  ['alter table ledger add column a text, add column b text not null', 'adds a column that has to be told'],
  ['-- why\ndo $$ begin alter table ledger drop column state; end $$', 'drops a column'],
])('%s is seen to take something away', (migration, what) => {
  expect(takenAway(`create table x (y int);\n${migration};\n`)).toEqual([expect.stringMatching(`^${what}: `)]);
});

test.each([
  'alter table ledger add column place text',
  "alter table ledger add column place text not null default 'here; drop table ledger'",
  'alter table ledger add column key bigint not null generated always as identity',
  'alter table ledger add constraint positive check (attempts > 0) not valid',
  'alter table payment_facts drop constraint payment_facts_event_id_fkey',
  'alter table payments alter column amount drop not null',
  'drop index payment_references_by_name',
  'drop trigger events_append_only on events',
  '-- drop table ledger',
  'create function f() returns void language plpgsql as $$ begin drop table x; delete from y; end $$',
  'create table new (a text not null, b int)',
])('%s takes nothing away', (migration) => {
  expect(takenAway(migration)).toEqual([]);
});

test('those of before are seen for what they are', () => {
  const taking = files.filter((file) => takenAway(readFileSync(path.join(folder, file), 'utf8')).length > 0);
  expect(taking).toContain('0006_months.sql');
  expect(taking).not.toContain('0014_roles.sql');
});
