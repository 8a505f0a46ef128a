import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPostgresUrl } from '@penstock/local/test-services';
import { setOf } from './set-of.ts';
import { createTestDatabase, type TestDatabase } from './testing/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
});
afterAll(() => database[Symbol.asyncDispose]());

const columns = {
  position: 'int',
  words: 'text',
  amount: 'bigint',
  is: 'boolean',
  at: 'timestamptz',
  fact: 'jsonb',
} as const;
const nothing = { words: null, amount: null, is: null, at: null, fact: null };

async function asSelected(rows: Parameters<typeof setOf<typeof columns>>[2]): Promise<readonly unknown[]> {
  const selected = await sql`select * from ${setOf('told', columns, rows)} order by position`.execute(database.db);
  return selected.rows;
}

test('what a set is given is what is selected from it, whatever a text holds', async () => {
  const pieces = [
    '"',
    '\\',
    ',',
    '{',
    '}',
    'NULL',
    'null',
    '',
    ' ',
    '\n',
    '\t',
    "'",
    '$1',
    'é',
    '€',
    '𝄞',
    '\\"',
    '\\n',
    '::',
  ];
  const texts = pieces.flatMap((one) => pieces.map((other) => `${one}${other}`));
  const rows = texts.map((words, position) => ({
    position,
    words,
    amount: position % 3 === 0 ? null : position * 1_000_000_000,
    is: position % 2 === 0,
    at: new Date(1_700_000_000_123 + position),
    fact: { words, list: [words, null, { deep: words }] },
  }));
  expect(await asSelected(rows)).toEqual(rows);
});

test('null and what is not said are NULL, and a set may be empty', async () => {
  const unsaid = { ...nothing, words: undefined, fact: undefined };
  expect(
    await asSelected([
      { position: 1, ...nothing },
      { position: 2, ...unsaid },
    ]),
  ).toEqual([
    { position: 1, ...nothing },
    { position: 2, ...nothing },
  ]);
  expect(await asSelected([])).toEqual([]);
});

test('a time may be given as text', async () => {
  expect(await asSelected([{ position: 1, ...nothing, at: '2026-11-30T04:05:06.789Z' }])).toEqual([
    { position: 1, ...nothing, at: new Date('2026-11-30T04:05:06.789Z') },
  ]);
});
