import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import type { Handler } from '@penstock/core/handler';
import { openDatabase, type LedgerDatabase, type LedgerTransaction } from '@penstock/db/database';
import { on } from '@penstock/db/handler';
import { openTogetherStore } from '@penstock/db/together-store';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { observeHandlerTimes } from '@penstock/worker/handler-times';
import { processTogether, type TogetherWorld } from '@penstock/worker/process-together';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';

/** Enough for a handler to be known. */
const FIRST = 60;

let database: TestDatabase;
let db: LedgerDatabase;
const warnings: string[] = [];
/** The driver's own, of a client that is asked while it is busy. */
const warned = ({ message }: Error): void => {
  if (message.includes('client.query()')) warnings.push(message);
};

describe.each([
  ['handlers whose statements travel together, as a worker sends them', { namesStatements: true }],
  ['handlers behind a pooler, whose statements wait for each other', { namesStatements: false }],
])('%s', (_, how) => {
  beforeAll(async () => {
    process.on('warning', warned);
    database = await createTestDatabase(testPostgresUrl());
    db = openDatabase({ url: database.url, poolMax: 3, applicationName: 'test', ...how });
    await sql`create table counts (name text primary key, value int not null)`.execute(db);
    await sql`create table notes (position serial, event_id text not null unique)`.execute(db);
  });
  afterAll(async () => {
    await db.destroy();
    await database[Symbol.asyncDispose]();
    process.off('warning', warned);
  });
  test('write what they would have written one after the other, in that order', async () => {
    const { take } = aWorker(on('*', 'notes', ({ tx, event }) => note(tx, event.id)));
    const events = [...deliveries(FIRST), ...deliveries(100)];
    await take(events.slice(0, FIRST));
    await take(events.slice(FIRST));
    expect(await notesOf(events)).toEqual(events.map(({ eventId }) => eventId));
  });

  test('read and write in turn where one of them begins to ask twice: nothing that it counts is lost', async () => {
    await sql`insert into counts values ('turning', 0)`.execute(db);
    const surprises = new Set<string>();
    const runs: string[] = [];
    const { take } = aWorker(
      on('*', 'turning', async ({ tx, event }) => {
        runs.push(event.id);
        if (!surprises.has(event.id))
          return void (await sql`update counts set value = value + 1 where name = 'turning'`.execute(tx));
        const { rows } = await sql<{ value: number }>`select value from counts where name = 'turning'`.execute(tx);
        await sql`update counts set value = ${(rows[0]?.value ?? 0) + 1} where name = 'turning'`.execute(tx);
      }),
    );
    const [first, second] = [deliveries(FIRST), deliveries(80)];
    for (const { eventId } of second.slice(20)) surprises.add(eventId);
    await take(first);
    expect((await take(second)).every((each) => each !== 'alone')).toBe(true);
    const { rows } = await sql<{ value: number }>`select value from counts where name = 'turning'`.execute(db);
    expect(rows).toEqual([{ value: FIRST + 80 }]);
    // They had been sent together: the first attempt was taken back whole.
    expect(runs.length).toBeGreaterThan(FIRST + 80);
  });

  test('of one event wait for each other', async () => {
    const order: string[] = [];
    const handler = (name: string): Handler<LedgerTransaction> =>
      on('*', name, async ({ tx, event }) => {
        order.push(`${name} begins ${event.id}`);
        await sql`select 1`.execute(tx);
        order.push(`${name} ends ${event.id}`);
      });
    const { take } = aWorker(handler('one'), handler('two'));
    await take(deliveries(FIRST));
    order.length = 0;
    const events = deliveries(10);
    await take(events);
    for (const { eventId } of events)
      expect(order.indexOf(`one ends ${eventId}`)).toBeLessThan(order.indexOf(`two begins ${eventId}`));
    // And of different events do not.
    expect(order.indexOf(`two ends ${events[0]?.eventId}`)).toBeGreaterThan(
      order.indexOf(`one begins ${events[1]?.eventId}`),
    );
  });

  test('may ask for several things at once, as the driver likes it', async () => {
    const { take } = aWorker(
      on('*', 'at-once', async ({ tx, event }) => {
        await Promise.all([note(tx, `${event.id} one`), note(tx, `${event.id} two`)]);
      }),
    );
    const events = deliveries(20);
    await take(events);
    const wanted = events.flatMap(({ eventId }) => [`${eventId} one`, `${eventId} two`]);
    const { rows } = await sql<{ event_id: string }>`
      select event_id from notes where event_id = any(${wanted}) order by position`.execute(db);
    expect(rows.map(({ event_id }) => event_id)).toEqual(wanted);
    expect(warnings).toEqual([]);
  });

  test('leave nothing behind that was waiting to be sent when their time was up', async () => {
    const slow = aDelivery();
    let hangs = 1;
    const hanging = on('*', 'hanging', async ({ tx, event }) => {
      if (event.id === slow.eventId && hangs-- > 0) await sql`select pg_sleep(30)`.execute(tx);
      else await note(tx, event.id);
    });
    const { take } = aWorker({ ...hanging, timeoutMs: 1_000 });
    await take(deliveries(FIRST));
    const events = [slow, ...deliveries(10)];
    const processed = await take(events);
    expect(processed.map((each) => (typeof each === 'string' ? each : each.kind))).toEqual(events.map(() => 'ended'));
    expect((await notesOf(events)).toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
  });

  test('lose nothing of the others where the statement of one fails', async () => {
    const taken = aDelivery();
    const { take } = aWorker(
      on('*', 'notes', ({ tx, event }) => note(tx, event.id === bad.eventId ? taken.eventId : event.id)),
    );
    const bad = aDelivery();
    await take([...deliveries(FIRST), taken]);
    const events = [...deliveries(10), bad, ...deliveries(10)];
    const processed = await take(events);
    expect(processed.map((each) => (typeof each === 'string' ? each : each.kind))).toEqual(
      events.map((event) => (event === bad ? 'failed' : 'ended')),
    );
    const good = events.filter((event) => event !== bad);
    expect(await notesOf(good)).toEqual(good.map(({ eventId }) => eventId));
    expect(await notesOf([bad])).toEqual([]);
  });
});

async function note(tx: LedgerTransaction, eventId: string): Promise<void> {
  await sql`insert into notes (event_id) values (${eventId})`.execute(tx);
}

/** Of these events, in the order they were written. */
async function notesOf(events: readonly Delivery[]): Promise<readonly string[]> {
  const { rows } = await sql<{ event_id: string }>`
    select event_id from notes where event_id = any(${events.map(({ eventId }) => eventId)}) order by position`.execute(
    db,
  );
  return rows.map(({ event_id }) => event_id);
}

/** One worker, which comes to know its handlers. */
function aWorker(...handlers: readonly Handler<LedgerTransaction>[]) {
  const world: TogetherWorld = {
    ...processWorld(db, { handlers, handlerMs: 5_000 }),
    together: openTogetherStore(db),
    handlerTimes: observeHandlerTimes(),
    readings: new WeakMap(),
  };
  return {
    take: (given: readonly Delivery[]) =>
      processTogether(
        given.map((data) => ({ jobId: `stripe.${data.eventId}`, data, attempt: 1 })),
        world,
      ),
  };
}

function deliveries(count: number): readonly Delivery[] {
  return Array.from({ length: count }, () => aDelivery());
}
