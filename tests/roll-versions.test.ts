import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { runScript } from './harness/commands.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { scrape } from './harness/samples.ts';
import { until } from './harness/until.ts';
import { lookAtConsole, makeApiKey, startConsole } from './roll/consoles.ts';
import { sendWebhooks } from './roll/load.ts';
import { aLaterVersion } from './roll/versions.ts';

const expanding = '9001_add_to_what_is_read_and_written';
const contracting = '9002_contract_after_9001_drop_tier_of_events';

/** All that a migration may do while the version before runs (migrations/README.md), to the tables of every event. */
const expand = `
  alter table ledger add column of_a_later_version text;
  alter table events add column of_a_later_version text not null default 'x';
  alter table payments add column of_a_later_version bigint;
  create table of_a_later_version (ledger_id bigint not null references ledger (id), noted_at timestamptz not null default now());
  create index of_a_later_version_by_type on events (type, recorded_at);
  alter table payments add constraint of_a_later_version_positive check (of_a_later_version > 0) not valid;
`;

const stopped = { code: 0, signal: null };

test('while a version takes the place of the one before, no request fails and every webhook is applied once', async () => {
  const next = aLaterVersion({ [expanding]: expand });
  await using system = await createTestSystem('redis', { LOCK_MS: '30000' });
  const { db, environment } = system;
  await sql`insert into repaired default values`.execute(db);
  const fleet = {
    ingest: await system.startIngest(),
    worker: await system.startWorker(),
    console: await startConsole(environment),
  };
  const paid = aStripeEvent({ type: 'charge.succeeded', object: aCharge });
  expect((await postStripe(fleet.ingest, paid.body)).status).toBe(200);
  await until(async () => (await system.ledger())['processed'] === 1, { what: 'a payment to be there' });

  const webhooks = sendWebhooks(() => fleet.ingest);
  const looks = lookAtConsole(() => fleet.console, { apiKey: await makeApiKey(environment), paymentId: aCharge.id });
  const have = (more: number): Promise<unknown> => {
    const [sent, looked] = [webhooks.times() + more, looks.times() + more];
    return until(() => webhooks.times() >= sent && looks.times() >= looked, { what: 'requests to go on' });
  };
  await have(5);

  // Before: the new version says what it lacks and does not start; what runs would go on.
  const early = await system.startDoomedWorker({}, next.script('apps/worker/src/main.ts'));
  expect(await early.exited).toEqual({ code: 78, signal: null });
  expect(early.output()).toContain(`${expanding} not applied; run "pnpm migrate" first`);
  expect(await check(system, next)).toEqual({
    code: 1,
    says: [
      `✗ not applied: ${expanding}; run "pnpm migrate" before this version`,
      '✓ the version that made this schema goes on running when they are applied',
    ],
  });

  expect(await migrate(system, next)).toEqual({
    code: 0,
    stdout: `Applied ${expanding}.\n`,
    stderr: expect.not.stringContaining('failed'),
  });
  await have(5);
  expect(await check(system, next)).toEqual({ code: 0, says: ['✓ the schema has every migration of this version'] });
  expect(await check(system)).toEqual({
    code: 0,
    says: [
      '✓ the schema has every migration of this version',
      `✓ a newer version added ${expanding}; this version runs beside it`,
    ],
  });

  // Both at work; then each new process takes an old one's place, and the old one ends.
  const before = { ...fleet };
  const worker = await system.startWorker({}, next.script('apps/worker/src/main.ts'));
  await have(5);
  fleet.worker = worker;
  expect(await before.worker.stop()).toEqual(stopped);
  fleet.console = await startConsole(environment, next.script('apps/console/src/main.ts'));
  await looks.passed();
  expect(await before.console.stop()).toEqual(stopped);
  fleet.ingest = await system.startIngest({}, next.script('apps/ingest/src/main.ts'));
  await webhooks.passed();
  expect(await before.ingest.stop()).toEqual(stopped);
  await have(5);
  for (const load of [webhooks, looks]) await load.stop();

  const ids = webhooks.acknowledged;
  await until(async () => (await system.ledger())['processed'] === ids.length + 1, {
    what: 'every webhook to be processed',
  });
  expect({ webhooks: webhooks.failures, console: looks.failures }).toEqual({ webhooks: [], console: [] });
  const effects = await system.effects();
  expect(ids.filter((id) => effects.get(id) !== 1)).toEqual([]);
  expect(await db.selectFrom('attempts').selectAll().execute()).toEqual([]);
  const sample = await scrape(fleet.worker.healthUrl);
  expect(sample('penstock_failed_attempts_total') ?? 0).toBe(0);
  for (const one of [fleet.worker, fleet.console, fleet.ingest]) expect(await one.stop()).toEqual(stopped);
}, 180_000);

test('a version is not applied over one that needs what it takes away, without being told so; that one then starts no more', async () => {
  const later = aLaterVersion({ [expanding]: expand, [contracting]: 'alter table key_uses drop column endpoint' });
  await using system = await createTestSystem();
  const runs = await startConsole(system.environment);
  const ready = async (): Promise<number> => (await fetch(`${runs.healthOrigin}/ready`)).status;
  expect(await ready()).toBe(200);
  expect(await check(system, later)).toEqual({
    code: 1,
    says: [
      `✗ not applied: ${expanding}, ${contracting}; run "pnpm migrate" before this version`,
      `✗ the version that made this schema may need what these take away: ${contracting}; end it first, or deploy the version between`,
    ],
  });
  expect((await migrate(system, later)).code).toBe(0);
  expect(await check(system)).toEqual({
    code: 1,
    says: [
      '✓ the schema has every migration of this version',
      `✗ a newer version took away what this one needs: ${contracting}; run a newer version`,
    ],
  });
  await until(async () => (await ready()) === 503, { what: 'the console to say that it is not ready' });
  const late = await system.startDoomedWorker({});
  expect(await late.exited).toEqual({ code: 78, signal: null });
  expect(late.output()).toContain(`needs what ${contracting} took away`);
  // The version between brings what the newest needs, and so outlives it.
  const between = aLaterVersion({ [expanding]: expand });
  expect((await check(system, between)).code).toBe(0);
}, 180_000);

const aCharge = {
  id: 'ch_roll',
  object: 'charge',
  amount: 500,
  amount_captured: 500,
  currency: 'eur',
  status: 'succeeded',
  captured: true,
};

const ofThisVersion = { script: (name: string): string => name };

async function check(
  system: TestSystem,
  version = ofThisVersion,
): Promise<{ readonly code: number; readonly says: readonly string[] }> {
  const { code, stdout } = await migrate(system, version, 'check');
  return { code, says: stdout.trim().split('\n') };
}

function migrate({ environment }: TestSystem, version = ofThisVersion, ...args: readonly string[]) {
  return runScript(version.script('apps/worker/src/commands/migrate.ts'), args, {
    DATABASE_URL: environment['DATABASE_URL'] ?? '',
  });
}
