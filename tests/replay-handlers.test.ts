import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PermanentError } from '@penstock/core/failure';
import type { Handler } from '@penstock/core/handler';
import { eventFilterSchema } from '@penstock/core/replay';
import type { LedgerTransaction } from '@penstock/db/database';
import { on } from '@penstock/db/handler';
import { rememberHandlers } from '@penstock/db/known-handlers';
import { planReplay, type ReplayRequest } from '@penstock/db/plan-replay';
import { countItems } from '@penstock/db/replay-items';
import { commandReplay } from '@penstock/db/replays';
import { moveReplays } from '@penstock/worker/move-replays';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
let handlers: readonly Handler<LedgerTransaction>[];
const broken = new Set<string>();
const permanent = new Set<string>();

beforeEach(async () => {
  system = await createTestSystem();
  await sql`create table runs (handler text not null)`.execute(system.db);
  handlers = ['first', 'second', 'third'].map((name) =>
    on('stripe:customer.created', name, async ({ tx }) => {
      await sql`insert into runs values (${name})`.execute(tx);
      if (permanent.has(name)) throw new PermanentError('test_poison', 'for ever');
      if (broken.has(name)) throw new Error('not now');
    }),
  );
  await rememberHandlers(system.db, [...handlers, { name: 'unrelated', pattern: 'stripe:charge.*', version: 1 }]);
  broken.clear();
  permanent.clear();
});
afterEach(() => system[Symbol.asyncDispose]());

test('of a finished event the chosen handler runs once more, no other does, and it is not forwarded again', async () => {
  const delivery = aDelivery();
  await take(delivery);
  const id = await applied({ states: ['processed'] }, { force: true, handlers: ['second'] });
  expect(await countItems(system.db, id)).toMatchObject({ moved: 1, underWay: 1 });
  expect(await take(delivery)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await take(delivery)).toMatchObject({ kind: 'ended', outcome: 'duplicate' });
  expect(await runs()).toEqual({ first: 1, second: 2, third: 1 });
  expect(await forwarded()).toBe(1);
  expect(await countItems(system.db, id)).toMatchObject({ healed: 1, underWay: 0 });
  const attempts = await system.db
    .selectFrom('handler_runs')
    .select(['handler', 'attempts'])
    .orderBy('handler')
    .execute();
  expect(attempts).toMatchObject([{ attempts: 1 }, { handler: 'second', attempts: 2 }, { attempts: 1 }]);
});

test('of two chosen handlers the one that succeeded is not run again while the other is tried again', async () => {
  const delivery = aDelivery();
  await take(delivery);
  await applied({ states: ['processed'] }, { force: true, handlers: ['first', 'second'] });
  broken.add('second');
  expect(await take(delivery)).toMatchObject({ kind: 'failed', next: { kind: 'retry' } });
  broken.clear();
  expect(await take(delivery, 2)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await runs()).toEqual({ first: 2, second: 2, third: 1 });
});

test('where a chosen handler fails for good the event is dead, and a replay of it runs that one alone', async () => {
  const delivery = aDelivery();
  await take(delivery);
  await applied({ states: ['processed'] }, { force: true, handlers: ['second'] });
  permanent.add('second');
  expect(await take(delivery)).toMatchObject({ kind: 'failed', next: { kind: 'dead' } });
  permanent.clear();
  const id = await applied({}, {});
  expect(await take(delivery)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await runs()).toEqual({ first: 1, second: 2, third: 1 });
  expect(await forwarded()).toBe(1);
  expect(await countItems(system.db, id)).toMatchObject({ healed: 1 });
});

test('of a dead event the handlers that are done are not run again', async () => {
  const delivery = aDelivery();
  permanent.add('second');
  expect(await take(delivery)).toMatchObject({ kind: 'failed', next: { kind: 'dead' } });
  permanent.clear();
  await applied({}, {});
  expect(await take(delivery)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await runs()).toEqual({ first: 1, second: 1, third: 1 });
});

test('a finished event that no chosen handler covers is skipped and stays as it is', async () => {
  await take(aDelivery());
  const id = await applied({ states: ['processed'] }, { force: true, handlers: ['unrelated'] });
  expect(await countItems(system.db, id)).toMatchObject({ moved: 0, skipped: 1 });
  expect(await system.ledger()).toEqual({ processed: 1 });
});

function take(delivery: ReturnType<typeof aDelivery>, attempt = 1) {
  const destinations = new Map([['there', { events: ['*'], topics: [] }]]);
  const world = processWorld(system.db, { handlers, destinations });
  return processWebhook({ jobId: 'job', data: delivery, attempt }, world);
}

/** Plans, applies and moves it. */
async function applied(filter: Record<string, unknown>, request: Partial<ReplayRequest>): Promise<number> {
  const operator = { name: 'ada', requestId: 'request-1' };
  const { replay } = await planReplay(system.db, {
    filter: eventFilterSchema.parse(filter),
    force: false,
    handlers: 'not done',
    perSecond: 100,
    operator,
    reason: 'test',
    ...request,
  });
  await commandReplay(system.db, { id: replay.id, command: 'apply', operator, reason: null });
  const { db, queue } = system;
  await moveReplays({
    db,
    queue,
    handlers: [...handlers, on('stripe:charge.*', 'unrelated', async () => undefined)],
    newId: randomUUID,
    perSecond: 100,
    waitingMax: 100,
  });
  return replay.id;
}

async function runs(): Promise<Record<string, number>> {
  const { rows } = await sql<{ handler: string; times: number }>`
    select handler, count(*)::int as times from runs group by 1 order by 1`.execute(system.db);
  return Object.fromEntries(rows.map(({ handler, times }) => [handler, times]));
}

async function forwarded(): Promise<number> {
  const { rows } = await sql<{ times: number }>`select count(*)::int as times from outbox where kind = 'event'`.execute(
    system.db,
  );
  return rows[0]?.times ?? -1;
}
