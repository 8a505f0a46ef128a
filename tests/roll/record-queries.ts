import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createTestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { writeRecording, type Recording, type Statement, type Unit } from './recording.ts';
import { openReplay } from './replay.ts';
import { tapPostgres, type PostgresTap } from './tap-postgres.ts';
import { liveThroughADay } from './whole-day.ts';

const root = path.join(import.meta.dirname, '../..');
const HOUR_MS = 3_600_000;

/** What is asked of the clock, of who else is there, or of the schema. */
const changing = /[<>]=?\s*\(?now\(\)|\bskip locked\b|\bpg_(try|stat)_|\bkysely_migration\b/i;

test('what this version asks of the ledger is recorded, and can be asked again', async () => {
  const begunAt = new Date();
  let tap: PostgresTap | undefined;
  await liveThroughADay(async (url) => (tap = await tapPostgres(url)).url);
  await tap?.[Symbol.asyncDispose]();
  expect(tap?.errors).toEqual([]);
  const recording: Recording = { newest: newestMigration(), begunAt, units: withoutRepetition(tap?.units ?? []) };

  const others = new Set<Statement>();
  for (const hours of [0, -1, 1]) for (const statement of await askAgain(recording, hours)) others.add(statement);
  const isSteady = (statement: Statement): boolean => !others.has(statement) && !changing.test(statement.sql);
  const units = recording.units.map((unit) => ({
    ...unit,
    statements: unit.statements.map((one) => (isSteady(one) ? one : { ...one, rows: null })),
  }));
  const writes = units.flatMap(({ statements }) => statements.filter(isWrite));
  const steady = writes.filter(({ rows }) => rows !== null);
  process.stdout.write(
    `${units.length} units; of ${writes.length} writes ${steady.length} change the same each time\n`,
  );
  expect(steady.length / writes.length).toBeGreaterThan(0.7);
  writeFileSync(path.join(root, 'tests/fixtures/previous-queries.json'), writeRecording({ ...recording, units }));
});

/** A process asks many times whether there is anything to do: three times are enough of what changes nothing. */
function withoutRepetition(units: readonly Unit[]): readonly Unit[] {
  const times = new Map<string, number>();
  return units.filter(({ statements }) => {
    if (statements.some((statement) => isWrite(statement) && statement.rows !== 0)) return true;
    const key = statements.map(({ sql }) => sql).join(';');
    times.set(key, (times.get(key) ?? 0) + 1);
    return (times.get(key) ?? 0) <= 3;
  });
}

function isWrite({ sql }: Statement): boolean {
  return /^\s*(insert|update|delete|merge|with [^]*\b(insert into|update|delete from) )/i.test(sql);
}

/** Those statements that return or change another number of rows when they are asked at another time. */
async function askAgain(recording: Recording, hours: number): Promise<ReadonlySet<Statement>> {
  const others = new Set<Statement>();
  await using database = await createTestDatabase(testPostgresUrl());
  await using replay = await openReplay(recording, {
    url: database.url,
    now: new Date(Date.now() + hours * HOUR_MS),
    onOtherRows: (statement) => others.add(statement),
  });
  await replay.ask(recording.units);
  return others;
}

function newestMigration(): string {
  const files = readdirSync(path.join(root, 'migrations')).filter((file) => /^\d{4}_\w+\.sql$/.test(file));
  return path.basename(files.toSorted().at(-1) ?? '', '.sql');
}
