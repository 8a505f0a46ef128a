import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { createOlderDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { runScript } from './harness/commands.ts';
import { createTestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';
import { lookAtConsole, makeApiKey, startConsole } from './roll/consoles.ts';
import { sendWebhooks, steadily } from './roll/load.ts';
import { readRecording, type Unit } from './roll/recording.ts';
import { openReplay } from './roll/replay.ts';
import { rollSettings } from './roll/whole-day.ts';

/** What the version before asked of its schema (migrations/README.md tells how it is renewed). */
const previous = readRecording(readFileSync(path.join(import.meta.dirname, 'fixtures/previous-queries.json'), 'utf8'));
const since = globSync('[0-9]*.sql', { cwd: path.join(import.meta.dirname, '../migrations') })
  .map((file) => path.basename(file, '.sql'))
  .filter((name) => name > previous.newest)
  .toSorted();

test('everything the version before asks goes through before, during and after pnpm migrate, while this version waits for it and then takes every webhook that came', async () => {
  await using system = await createTestSystem('redis', rollSettings, testPostgresUrl(), (url) =>
    createOlderDatabase(url, previous.newest),
  );
  const { db, environment } = system;
  const url = environment['DATABASE_URL'] ?? '';
  const ingest = await system.startIngest();
  const webhooks = sendWebhooks(() => ingest);
  await using replay = await openReplay(previous, { url, now: new Date() });
  const [before, during, after] = inThirds(previous.units);

  // The older schema: the version before works; this one says what it lacks, and does not start.
  const [checked, late] = await Promise.all([migrate(url, 'check'), system.startDoomedWorker({}), replay.ask(before)]);
  if (since.length > 0) {
    expect(checked.stdout).toContain(`not applied: ${since.join(', ')}; run "pnpm migrate" before this version`);
    expect(checked.stdout).toContain('the version that made this schema goes on running when they are applied');
    expect(await late.exited).toEqual({ code: 78, signal: null });
    expect(late.output()).toContain(`${since.join(', ')} not applied; run "pnpm migrate" first`);
  } else {
    await late.waitForLine(/"taking webhooks"/);
    await late.stop();
  }
  expect(checked.code).toBe(since.length === 0 ? 0 : 1);

  // Its console is read all the time, and its workers write, while the schema grows under them.
  const looks = previous.units.filter(isLook).map(uncounted);
  expect(looks.length).toBeGreaterThan(5);
  const reads = steadily(20, () => replay.ask([looks[reads.times() % looks.length] ?? nothing]));
  const migrating = migrate(url);
  await Promise.race([
    migrating,
    until(
      async () =>
        (
          await sql`select from pg_stat_activity
                   where datname = current_database() and application_name = 'penstock-migrate'`.execute(db)
        ).rows.length > 0,
      { what: 'pnpm migrate to be at the database', everyMs: 5 },
    ),
  ]);
  const [migrated] = await Promise.all([migrating, replay.ask(during)]);
  expect(migrated).toMatchObject({ code: 0, stdout: expect.stringContaining(since.at(-1) ?? 'up to date') });
  await replay.ask(after);
  expect(await migrate(url, 'check')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('has every migration'),
  });

  // This version starts beside it, and finds what it left.
  const apiKey = await makeApiKey(environment);
  const { id: paymentId } = await db
    .selectFrom('payments')
    .select('id')
    .where('provider', '=', 'stripe')
    .executeTakeFirstOrThrow();
  const [worker, console] = await Promise.all([system.startWorker(), startConsole(environment)]);
  const looked = lookAtConsole(() => console, { apiKey, paymentId });
  await webhooks.stop();
  const isDone = async (): Promise<boolean> => {
    const effects = await system.effects();
    return webhooks.acknowledged.every((id) => effects.has(id));
  };
  await until(isDone, { what: 'every webhook to be processed' });
  await until(() => looked.times() > 3, { what: 'the console to be looked at' });
  for (const load of [looked, reads]) await load.stop();
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
  expect(await console.stop()).toEqual({ code: 0, signal: null });

  expect({ webhooks: webhooks.failures, console: looked.failures, reads: reads.failures }).toEqual({
    webhooks: [],
    console: [],
    reads: [],
  });
  const effects = await system.effects();
  expect(webhooks.acknowledged.filter((id) => effects.get(id) !== 1)).toEqual([]);
  const attempts = await db
    .selectFrom('attempts')
    .innerJoin('ledger', 'ledger.id', 'attempts.ledger_id')
    .select('provider_event_id')
    .where('provider_event_id', 'in', webhooks.acknowledged)
    .execute();
  expect(attempts).toEqual([]);
}, 180_000);

const nothing: Unit = { session: 'replay', statementMs: 5_000, statements: [] };

/** What the version before has its console ask; how much it finds changes with who else is there. */
function isLook({ session, statements }: Unit): boolean {
  return (
    session.startsWith('penstock-console') && statements.length === 1 && /^\s*select/.test(statements[0]?.sql ?? '')
  );
}

function uncounted(unit: Unit): Unit {
  return { ...unit, statements: unit.statements.map((statement) => ({ ...statement, rows: null })) };
}

function inThirds(units: readonly Unit[]): readonly [readonly Unit[], readonly Unit[], readonly Unit[]] {
  const third = Math.ceil(units.length / 3);
  return [units.slice(0, third), units.slice(third, 2 * third), units.slice(2 * third)];
}

function migrate(url: string, ...args: readonly string[]) {
  return runScript('apps/worker/src/commands/migrate.ts', args, { DATABASE_URL: url });
}
