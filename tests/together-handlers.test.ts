import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import { toFailure } from '@penstock/core/failure';
import type { Handler } from '@penstock/core/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import { on } from '@penstock/db/handler';
import { openTogetherStore } from '@penstock/db/together-store';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { observeHandlerTimes } from '@penstock/worker/handler-times';
import { processTogether } from '@penstock/worker/process-together';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  await sql`create table effects (event_id text not null)`.execute(database.db);
});
afterAll(() => database[Symbol.asyncDispose]());

describe('of events processed together, what handlers wrote and the marks that they are done agree', () => {
  const awaits = [0, 1, 2];

  test.each(awaits)('where one throws before its await %s', async (at) => {
    const deliveries = threeEvents();
    const throwing = stepping(deliveries[1], async (position) => {
      if (position === at) throw new Error('here');
    });
    expect(await take(deliveries, throwing)).toMatchObject(oneFails('handler_failed'));
    expect(await standingOf(deliveries)).toEqual(['processed 2', 'received 0', 'processed 2']);
  });

  test.each(awaits)('where one hangs before its await %s', async (at) => {
    const deliveries = threeEvents();
    const hanging = stepping(deliveries[1], async (position) => {
      if (position === at) await new Promise(() => undefined);
    });
    expect(await take(deliveries, hanging)).toMatchObject(oneFails('handler_timeout'));
    expect(await standingOf(deliveries)).toEqual(['processed 2', 'received 0', 'processed 2']);
  });

  test.each(awaits)(
    'where the connection is lost before await %s of one, as it is when its process ends',
    async (at) => {
      const deliveries = threeEvents();
      const dying = stepping(deliveries[1], async (position, tx) => {
        if (position === at) await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx);
      });
      expect(await take(deliveries, dying)).toEqual(['alone', 'alone', 'alone']);
      expect(await standingOf(deliveries)).toEqual(['unknown 0', 'unknown 0', 'unknown 0']);
    },
  );

  test('where one whose time is up runs on: what it asks for then is refused', async () => {
    const deliveries = threeEvents();
    const released = Promise.withResolvers<void>();
    const late = Promise.withResolvers<string>();
    let runs = 0;
    const hanging = on('*', 'hanging', async ({ tx, event }) => {
      if (event.id !== deliveries[1]?.eventId) return write(tx, event);
      runs += 1;
      if (runs > 1) {
        released.resolve();
        await late.promise;
        return write(tx, event);
      }
      await released.promise;
      await write(tx, event).then(
        () => late.resolve('written'),
        (error: unknown) => late.resolve(toFailure(error).code),
      );
    });
    await take(deliveries, hanging);
    expect(await late.promise).toBe('handler_late');
    expect(await standingOf(deliveries)).toEqual(['processed 1', 'processed 1', 'processed 1']);
  });
});

test('a transaction takes no more events than their handlers are expected to be done with in half a second', async () => {
  const handlerTimes = observeHandlerTimes();
  const handler = on('*', 'takes its time', async ({ tx, event }) => write(tx, event));
  // As quick as its own statements, as on a busy machine: still handled together.
  handlerTimes.addOwn(4_000);
  handlerTimes.add(handler.name, 200);
  const deliveries = [...threeEvents(), aDelivery()];
  const taken = await take(deliveries, handler, handlerTimes);
  expect(taken).toMatchObject([{ kind: 'ended' }, { kind: 'ended' }, 'again', 'again']);
  expect(await standingOf(deliveries)).toEqual(['processed 1', 'processed 1', 'unknown 0', 'unknown 0']);
});

/** Writes twice; for that event it does what it is told before each and after the last. */
function stepping(
  delivery: Delivery | undefined,
  before: (position: number, tx: LedgerTransaction) => Promise<void>,
): Handler<LedgerTransaction> {
  return on('*', 'stepping', async ({ tx, event }) => {
    const step = event.id === delivery?.eventId ? before : async () => undefined;
    for (const position of [0, 1]) {
      await step(position, tx);
      await write(tx, event);
    }
    await step(2, tx);
  });
}

async function write(tx: LedgerTransaction, event: { readonly id: string }): Promise<void> {
  await sql`insert into effects (event_id) values (${event.id})`.execute(tx);
}

function take(
  deliveries: readonly Delivery[],
  handler: Handler<LedgerTransaction>,
  handlerTimes = observeHandlerTimes(),
) {
  const jobs = deliveries.map((data) => ({ jobId: `stripe.${data.eventId}`, data, attempt: 1 }));
  return processTogether(jobs, {
    ...processWorld(database.db, { handlers: [handler], handlerMs: 500 }),
    together: openTogetherStore(database.db),
    handlerTimes,
    readings: new WeakMap(),
  });
}

function oneFails(code: string) {
  const processed = { kind: 'ended', outcome: 'processed' };
  return [processed, { kind: 'failed', failure: { code }, next: { kind: 'retry' } }, processed];
}

function threeEvents(): readonly Delivery[] {
  return [aDelivery(), aDelivery(), aDelivery()];
}

/** How each event stands in the ledger, and how many rows its handler wrote: `processed 2`. */
async function standingOf(deliveries: readonly Delivery[]): Promise<readonly string[]> {
  return Promise.all(
    deliveries.map(async ({ eventId }) => {
      const { rows } = await sql<{ standing: string }>`
        select coalesce((select state from ledger where provider_event_id = ${eventId}), 'unknown') || ' ' ||
               (select count(*) from effects where event_id = ${eventId}) as standing`.execute(database.db);
      return rows[0]?.standing ?? '';
    }),
  );
}
