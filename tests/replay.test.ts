import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventFilterSchema, type EventFilter } from '@penstock/core/replay';
import { rememberHandlers } from '@penstock/db/known-handlers';
import { planReplay, type ReplayPlan, type ReplayRequest } from '@penstock/db/plan-replay';
import { countItems } from '@penstock/db/replay-items';
import { commandReplay, findReplay, type ReplayCommand } from '@penstock/db/replays';
import { moveReplays, type Moved } from '@penstock/worker/move-replays';
import { storeEvents } from './harness/stored-events.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

let system: TestSystem;
beforeEach(async () => void (system = await createTestSystem()));
afterEach(() => system[Symbol.asyncDispose]());

const operator = { name: 'ada', requestId: 'request-2' };

describe('a plan', () => {
  test('counts what the whole filter means, says what would run, and changes nothing of it', async () => {
    await storeEvents(system.db, { count: 30, prefix: 'evt_a' });
    await storeEvents(system.db, {
      count: 3,
      prefix: 'evt_b',
      type: 'customer.created',
      code: 'other',
      fingerprint: 'b',
    });
    await storeEvents(system.db, { count: 2, prefix: 'evt_c', state: 'processed' });
    await rememberHandlers(system.db, [
      { name: 'on-deleted', pattern: 'stripe:customer.deleted', version: 1 },
      { name: 'on-all', pattern: '*', version: 1 },
    ]);
    const before = await fingerprintOfLedger();
    const plan = await planned({});
    expect(plan).toMatchObject({
      replay: { state: 'planned', events: 33, reason: 'the handler is mended' },
      groups: [
        { type: 'customer.deleted', code: 'test_broken', fingerprint: 'aaaaaaaaaaaaaaaa', events: 30 },
        { type: 'customer.created', code: 'other', fingerprint: 'b', events: 3 },
      ],
      runs: [
        { handler: 'on-all', events: 33 },
        { handler: 'on-deleted', events: 30 },
      ],
      estimateSeconds: 1,
    });
    expect(plan.sample).toHaveLength(5);
    expect(await moveReplays(world())).toBeNull();
    expect(await fingerprintOfLedger()).toBe(before);
    expect(await system.queue.counts()).toMatchObject({ waiting: 0, failed: 0 });
  });

  test('selects by each condition, and by all of them together', async () => {
    await storeEvents(system.db, { count: 3, prefix: 'evt_a', receivedAt: new Date('2026-03-01') });
    const more = {
      type: 'charge.failed',
      endpoint: 'stripe-too',
      fingerprint: 'f2',
      receivedAt: new Date('2026-03-02'),
    };
    await storeEvents(system.db, { count: 4, prefix: 'evt_b', ...more });
    await storeEvents(system.db, { count: 1, prefix: 'evt_c', state: 'discarded', receivedAt: new Date('2026-02-01') });
    const cases: readonly (readonly [filter: Partial<EventFilter>, events: number])[] = [
      [{ types: ['charge.*'] }, 4],
      [{ types: ['charge_*'] }, 0],
      [{ endpoints: ['stripe-too'] }, 4],
      [{ fingerprints: ['f2'] }, 4],
      [{ codes: ['test_broken'], types: ['customer.deleted'] }, 3],
      [{ events: ['evt_a1', 'evt_b2'] }, 2],
      [{ accounts: ['somebody-else'] }, 0],
      [{ from: '2026-03-02T00:00:00Z' }, 4],
      [{ to: '2026-03-02T00:00:00+00:00' }, 3],
      [{ states: ['dead', 'discarded'] }, 8],
    ];
    for (const [filter, events] of cases) {
      const selected = await planned(filter).then(
        ({ replay: { events: count } }) => count,
        () => 0,
      );
      expect([filter, selected]).toEqual([filter, events]);
    }
  });

  test('that nobody applied for a day is expired, and cannot be', async () => {
    await storeEvents(system.db, { count: 1, prefix: 'evt_a' });
    const { id } = (await planned({})).replay;
    await sql`update replays set created_at = now() - interval '25 hours'`.execute(system.db);
    await expect(does('apply', id)).rejects.toMatchObject({ code: 'replay_expired' });
    await moveReplays(world());
    expect((await findReplay(system.db, id)).state).toBe('expired');
    await expect(does('apply', id)).rejects.toMatchObject({ code: 'replay_expired' });
  });
});

test.each<{ readonly request: Partial<ReplayRequest>; readonly states: EventFilter['states']; readonly code: string }>([
  { request: {}, states: ['processed'], code: 'replay_needs_force' },
  { request: { handlers: ['x'] }, states: ['dead'], code: 'replay_needs_force' },
  { request: { force: true, handlers: 'all' }, states: ['dead', 'processed'], code: 'replay_needs_force' },
  { request: { force: true }, states: ['processed'], code: 'replay_needs_handlers' },
  { request: { force: true, handlers: ['nobody'] }, states: ['processed'], code: 'replay_handler_unknown' },
])('$request of $states events is refused: $code', async ({ request, states, code }) => {
  await expect(planned({ states }, request)).rejects.toMatchObject({ code });
});

describe('applied', () => {
  test('each of a thousand dead events is run once, whatever page it stands on', { timeout: 180_000 }, async () => {
    const ids = await storeEvents(system.db, { count: 1_000, prefix: 'evt_a' });
    await sql`insert into repaired default values`.execute(system.db);
    const { id } = (await planned({}, { perSecond: 1_000 })).replay;
    await does('apply', id);
    await system.startWorker({ REPLAY_PER_SECOND: '1000', REPLAY_WAITING_MAX: '1000' });
    await ended(id);
    expect(await system.effects()).toEqual(new Map(ids.map((each) => [each, 1])));
    expect((await findReplay(system.db, id)).result).toEqual({
      planned: 0,
      moved: 1_000,
      skipped: 0,
      underWay: 0,
      healed: 1_000,
      dead: 0,
    });
    const { rows } = await sql`select operator, action, reason, details from operator_actions order by id`.execute(
      system.db,
    );
    expect(rows).toMatchObject([
      { operator: 'ada', action: 'replay.plan', reason: 'the handler is mended' },
      { operator: 'ada', action: 'replay.apply' },
      { operator: 'ada', action: 'replay.end', details: { filter: { states: ['dead'] }, result: { healed: 1_000 } } },
    ]);
  });

  test('a pause and a cancellation leave what was not moved as it was', async () => {
    await storeEvents(system.db, { count: 20, prefix: 'evt_a' });
    const { id } = (await planned({}, { perSecond: 10 })).replay;
    await does('apply', id);
    expect(await moves()).toEqual({ replayId: id, moved: 5, skipped: 0 });
    // The pace is the fleet's: the next batch is not due yet, whoever looks.
    expect(await moveReplays(world())).toBeNull();
    await does('pause', id);
    await sql`update replays set next_move_at = now()`.execute(system.db);
    expect(await moveReplays(world())).toBeNull();
    await does('resume', id);
    await moves();
    await does('cancel', id);
    await sql`update replays set next_move_at = now()`.execute(system.db);
    expect(await moveReplays(world())).toBeNull();
    expect(await countItems(system.db, id)).toMatchObject({ moved: 10, planned: 10, underWay: 10 });
    expect(await system.ledger()).toEqual({ dead: 10, received: 10 });
    await expect(does('apply', id)).rejects.toMatchObject({ code: 'replay_state_wrong' });
  });

  test('nothing is moved while live events wait', async () => {
    await storeEvents(system.db, { count: 3, prefix: 'evt_a' });
    const { id } = (await planned({})).replay;
    await does('apply', id);
    const busy = {
      ...world(),
      queue: { ...system.queue, counts: async () => ({ ...(await system.queue.counts()), waiting: 101 }) },
    };
    expect(await moveReplays(busy)).toBeNull();
    expect(await findReplay(system.db, id)).toMatchObject({ state: 'running', heldReason: 'live_traffic' });
    expect(await moves()).toMatchObject({ moved: 3 });
    expect((await findReplay(system.db, id)).heldReason).toBeNull();
  });

  test('an event that changed since the plan is skipped', async () => {
    await storeEvents(system.db, { count: 3, prefix: 'evt_a' });
    const { id } = (await planned({})).replay;
    await sql`update ledger set state = 'processed' where provider_event_id = 'evt_a2'`.execute(system.db);
    await storeEvents(system.db, { count: 3, prefix: 'evt_later' });
    await does('apply', id);
    expect(await moves()).toEqual({ replayId: id, moved: 2, skipped: 1 });
    expect(await system.ledger()).toEqual({ processed: 1, received: 2, dead: 3 });
  });

  test.each(['dead', 'processed'] as const)(
    'where the mover dies between queue and ledger, no %s event is run twice and none is left out',
    { timeout: 180_000 },
    async (state) => {
      const ids = await storeEvents(system.db, { count: 30, prefix: 'evt_a', state });
      await sql`insert into repaired default values`.execute(system.db);
      const setting = { REPLAY_PER_SECOND: '20' };
      await rememberHandlers(system.db, [
        { name: 'fail-until-repaired', pattern: 'stripe:customer.deleted', version: 1 },
      ]);
      const chosen = state === 'dead' ? {} : { force: true, handlers: ['fail-until-repaired'] };
      const { id } = (await planned({ states: [state] }, { ...chosen, perSecond: 20 })).replay;
      await does('apply', id);
      const dying = await system.startDoomedWorker(
        { ...setting, CRASH_AT: 'enqueued:2', SWEEP_MS: '3600000' },
        'tests/fixtures/crashing-worker.ts',
      );
      expect((await dying.exited).signal).toBe('SIGKILL');
      await system.startWorker({ ...setting, SWEEP_MS: '200', SWEEP_GRACE_MS: '500' });
      await ended(id);
      await until(async () => (await system.ledger())['processed'] === 30, { what: 'every event to be processed' });
      expect(await system.effects()).toEqual(new Map(ids.map((each) => [each, 1])));
    },
  );
});

describe('the audit', () => {
  test('refuses to be changed', async () => {
    await storeEvents(system.db, { count: 1, prefix: 'evt_a' });
    await planned({});
    const changes = [
      'update operator_actions set reason = null',
      'delete from operator_actions',
      'truncate operator_actions',
    ];
    for (const change of changes) await expect(sql.raw(change).execute(system.db)).rejects.toThrow('append-only');
  });
});

function world() {
  const { db, queue } = system;
  return { db, queue, handlers: [], newId: randomUUID, perSecond: 1_000, waitingMax: 100 };
}

async function planned(filter: Partial<EventFilter>, request: Partial<ReplayRequest> = {}): Promise<ReplayPlan> {
  return planReplay(system.db, {
    filter: eventFilterSchema.parse(filter),
    force: false,
    handlers: 'not done',
    perSecond: 100,
    operator,
    reason: 'the handler is mended',
    ...request,
  });
}

function does(command: ReplayCommand, id: number) {
  return commandReplay(system.db, { id, command, operator, reason: null });
}

/** The next batch, once it is due. */
async function moves(): Promise<Moved> {
  return until(async () => (await moveReplays(world())) ?? undefined, { what: 'a batch to be moved' });
}

async function ended(id: number): Promise<void> {
  await until(async () => (await findReplay(system.db, id)).state === 'done', {
    what: 'the replay',
  });
}

async function fingerprintOfLedger(): Promise<string> {
  const { rows } = await sql<{ hash: string }>`
    select md5(string_agg(ledger::text, ',' order by id)) || (select count(*) from handler_runs)
      || (select count(*) from attempts) || (select count(*) from asked_handlers) as hash from ledger`.execute(
    system.db,
  );
  return rows[0]?.hash ?? '';
}
