import { openLedgerStore } from '@penstock/db/ledger-store';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventFilterSchema } from '@penstock/core/replay';
import { jobIdOf } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { discardEvent, listEvents, tellEvent } from '@penstock/db/dead-events';
import { deadReport } from '@penstock/db/dead-report';
import { processWebhook } from '@penstock/worker/process-webhook';
import { buryDelivery } from '@penstock/worker/record-failed-attempt';
import { processWorld } from '@penstock/worker/testing/process-world';
import { runScript } from './harness/commands.ts';
import { aDelivery } from './harness/deliveries.ts';
import { storeEvents } from './harness/stored-events.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
beforeAll(async () => void (system = await createTestSystem()));
afterAll(() => system[Symbol.asyncDispose]());

const [from, to] = [new Date('2026-05-01T00:00:00Z'), new Date('2026-05-29T00:00:00Z')];
const operator = { name: 'ada', requestId: 'request-1' };

test('the report counts causes, types, deaths over time and what replays healed', async () => {
  await using fresh = await createTestSystem();
  const { db } = fresh;
  await storeEvents(db, { count: 5, prefix: 'evt_a', fingerprint: 'f1', diedAt: new Date('2026-05-02T12:00:00Z') });
  const other = { fingerprint: 'f2', code: 'other', type: 'charge.failed' };
  await storeEvents(db, { count: 2, prefix: 'evt_b', ...other, diedAt: new Date('2026-05-28T23:59:59Z') });
  await storeEvents(db, { count: 1, prefix: 'evt_c', ...other, diedAt: new Date('2026-04-30') });
  // Of three that died of f1 and were replayed, two are healed; those are dead no more.
  await sql`insert into replays (planned_by, reason, filter, per_second, events) values ('ada', 'x', '{}', 1, 3)`.execute(
    db,
  );
  await sql`
    insert into replay_items (replay_id, ledger_id, was, fingerprint, state, moved_at)
    select 1, id, 'dead', 'f1', 'moved', now() from ledger where provider_event_id in ('evt_a1', 'evt_a2', 'evt_a3')`.execute(
    db,
  );
  await sql`update ledger set state = 'processed' where provider_event_id in ('evt_a1', 'evt_a2')`.execute(db);

  const report = await deadReport(db, { from, to });
  expect(report).toMatchObject({
    dead: 6,
    deaths: 7,
    causes: [
      { fingerprint: 'f1', code: 'test_broken', dead: 3, deaths: 5, replayed: { events: 3, healed: 2 } },
      { fingerprint: 'f2', code: 'other', dead: 3, deaths: 2, firstSeen: new Date('2026-04-30') },
    ],
    kinds: [
      { provider: 'stripe', type: 'charge.failed', dead: 3 },
      { provider: 'stripe', type: 'customer.deleted', dead: 3 },
    ],
    replayed: { events: 3, healed: 2 },
  });
  expect(report.trend.map(({ deaths }) => deaths)).toEqual([0, 5, ...Array.from({ length: 25 }, () => 0), 2]);
  expect(report.trend[1]?.from).toEqual(new Date('2026-05-02T00:00:00Z'));

  const run = await runScript(
    'apps/worker/src/commands/dead.ts',
    ['report', '--since', '2026-05-01'],
    fresh.environment,
  );
  expect([run.code, run.stdout]).toEqual([
    1,
    expect.stringMatching(/^6 dead now, 7 died[^]*█[^]*2 of 3 replayed are healed \(66 %\)/),
  ]);
});

test('every page of the list together is every event, once', async () => {
  await storeEvents(system.db, { count: 25, prefix: 'evt_list', type: 'list.me' });
  const filter = eventFilterSchema.parse({ types: ['list.me'] });
  const seen: string[] = [];
  for (let beforeId: number | undefined; ;) {
    const page = await listEvents(system.db, { filter, beforeId, limit: 10 });
    if (page.length === 0) break;
    seen.push(...page.map(({ eventId }) => eventId));
    beforeId = page.at(-1)?.id;
  }
  expect(seen).toHaveLength(25);
  expect(new Set(seen).size).toBe(25);
});

test('an event tells why it is dead, since when, and what happened to it, and not who it is about', async () => {
  const text = JSON.stringify({
    id: 'evt_told',
    type: 'x',
    data: { object: { id: 'cus_1', email: 'ada@example.com' } },
  });
  const delivery = aDelivery({
    eventId: 'evt_told',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    text,
  });
  await buryDelivery(openLedgerStore(system.db), delivery, {
    failure: toFailure(new PermanentError('test_poison', 'it is broken')),
  });
  const story = await tellEvent(system.db, { eventId: 'evt_told' });
  expect(story).toMatchObject({ state: 'dead', code: 'test_poison', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' });
  expect(story.timeline.map(({ what }) => what)).toEqual(['received', 'dead: abandoned']);
  const run = await runScript('apps/worker/src/commands/dead.ts', ['show', 'evt_told'], system.environment);
  expect([run.code, run.stdout]).toEqual([0, expect.stringContaining('cus_1')]);
  expect(run.stdout).not.toContain('ada@example.com');
});

test('a discarded event is not brought back by a repetition, and is discarded once', async () => {
  const delivery = aDelivery({ eventId: 'evt_gone' });
  await buryDelivery(openLedgerStore(system.db), delivery, {
    failure: toFailure(new PermanentError('test_poison', 'it is broken')),
  });
  const discarded = await discardEvent(system.db, { eventId: 'evt_gone', operator, reason: 'a test of theirs' });
  expect(discarded).toEqual({ account: delivery.account, jobId: jobIdOf(delivery) });
  expect(await processWebhook({ jobId: 'job', data: delivery, attempt: 1 }, processWorld(system.db))).toMatchObject({
    kind: 'ended',
    outcome: 'duplicate',
  });
  const story = await tellEvent(system.db, { eventId: 'evt_gone' });
  expect(story.state).toBe('discarded');
  expect(story.timeline.at(-1)?.what).toBe('event.discard by ada: a test of theirs');
  await expect(discardEvent(system.db, { eventId: 'evt_gone', operator, reason: 'again' })).rejects.toMatchObject({
    code: 'event_not_dead',
  });
  await expect(discardEvent(system.db, { eventId: 'evt_none', operator, reason: 'x' })).rejects.toMatchObject({
    code: 'event_unknown',
  });
});

test('pnpm dead discard needs an event and a reason', async () => {
  await storeEvents(system.db, { count: 1, prefix: 'evt_cli' });
  const dead = (...args: readonly string[]) => runScript('apps/worker/src/commands/dead.ts', args, system.environment);
  const [without, gone] = await Promise.all([
    dead('discard', '--event', 'evt_cli1'),
    dead('discard', '--event', 'evt_cli1', '--reason', 'theirs', '--json'),
  ]);
  expect(without).toMatchObject({ code: 64, stderr: expect.stringContaining('--reason is missing') });
  expect([gone.code, JSON.parse(gone.stdout)]).toEqual([
    0,
    { account: 'acme', eventId: 'evt_cli1', state: 'discarded' },
  ]);
});
