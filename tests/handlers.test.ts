import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import type { Handler } from '@penstock/core/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import { on } from '@penstock/db/handler';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';
import { aStripeEvent, createTestSystem, postStripe } from './harness/system.ts';
import { until } from './harness/until.ts';

type LedgerHandler = Handler<LedgerTransaction>;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  await sql`create table effects (event_id text not null, handler text not null)`.execute(database.db);
});
afterAll(async () => database[Symbol.asyncDispose]());

describe('two handlers of one event', () => {
  test('that one failed is not the other’s affair: it is not run again, and the event is finished when both are', async () => {
    const delivery = aDelivery();
    let broken = true;
    const failing = on('*', 'failing', async ({ tx, event }) => {
      await write(tx, event.id, 'failing');
      if (broken) throw new Error('not yet');
    });
    const handlers = [failing, writing('writing')];

    expect(await take(delivery, handlers, 1)).toMatchObject({ kind: 'failed', next: { kind: 'retry' } });
    expect(await effects(delivery)).toEqual(['writing']);
    expect(await runs(delivery)).toEqual({ failing: 'failed', writing: 'done' });
    expect(await state(delivery)).toBe('received');

    broken = false;
    expect(await take(delivery, handlers, 2)).toMatchObject({ kind: 'ended', outcome: 'processed' });
    expect(await effects(delivery)).toEqual(['failing', 'writing']);
    expect(await runs(delivery)).toEqual({ failing: 'done', writing: 'done' });
  });

  test('one that failed for good makes the event dead, and is run alone when the event is sent again', async () => {
    const delivery = aDelivery();
    let broken = true;
    const poisoned = on('*', 'poisoned', async ({ tx, event }) => {
      if (broken) throw new PermanentError('test_poison', 'this can never be handled');
      await write(tx, event.id, 'poisoned');
    });
    const handlers = [poisoned, writing('writing')];
    expect(await take(delivery, handlers, 1)).toMatchObject({ kind: 'failed', next: { kind: 'dead' } });
    expect(await runs(delivery)).toEqual({ poisoned: 'dead', writing: 'done' });
    expect(await state(delivery)).toBe('dead');

    broken = false;
    expect(await take(delivery, handlers, 1)).toMatchObject({ kind: 'ended', outcome: 'processed' });
    expect(await effects(delivery)).toEqual(['poisoned', 'writing']);
  });

  test('one failed for good and one for now: the second is tried again, and the event is dead in the end', async () => {
    const delivery = aDelivery();
    let poisonings = 0;
    let broken = true;
    const poisoned = on('*', 'poisoned', async () => {
      poisonings += 1;
      throw new PermanentError('test_poison', 'this can never be handled');
    });
    const failing = on('*', 'failing', async () => {
      if (broken) throw new Error('not yet');
    });
    expect(await take(delivery, [poisoned, failing], 1)).toMatchObject({ next: { kind: 'retry' } });
    broken = false;
    expect(await take(delivery, [poisoned, failing], 2)).toMatchObject({
      failure: { code: 'test_poison' },
      next: { kind: 'dead' },
    });
    expect(poisonings).toBe(1);
    expect(await runs(delivery)).toEqual({ poisoned: 'dead', failing: 'done' });
    expect(await state(delivery)).toBe('dead');
  });

  test('each failure is an attempt of its own, under the handler’s name', async () => {
    const delivery = aDelivery();
    const [first, second] = ['first', 'second'].map((name) =>
      on('*', name, async () => {
        throw new Error(`${name} is broken`);
      }),
    );
    await take(
      delivery,
      [first, second].filter((handler) => handler !== undefined),
      1,
    );
    const rows = await database.db
      .selectFrom('attempts')
      .innerJoin('ledger', 'ledger.id', 'attempts.ledger_id')
      .select(['attempts.handler', 'attempts.message'])
      .where('ledger.provider_event_id', '=', delivery.eventId)
      .orderBy('attempts.id')
      .execute();
    expect(rows).toEqual([
      { handler: 'first', message: 'first is broken' },
      { handler: 'second', message: 'second is broken' },
    ]);
  });
});

describe('what a handler wrote and the mark that it is done agree', () => {
  const awaits = [0, 1, 2, 3];

  test.each(awaits)('where it throws before its await %s', async (at) => {
    const delivery = aDelivery();
    const throwing = stepping(async (position) => {
      if (position === at) throw new Error('here');
    });
    expect(await take(delivery, [throwing], 1)).toMatchObject({ kind: 'failed' });
    expect([await effects(delivery), await runs(delivery)]).toEqual([[], { stepping: 'failed' }]);
    expect(await take(delivery, [stepping()], 2)).toMatchObject({ kind: 'ended', outcome: 'processed' });
    expect(await effects(delivery)).toEqual(['0', '1', '2']);
  });

  test.each(awaits)('where it hangs before its await %s', async (at) => {
    const delivery = aDelivery();
    const hanging = stepping(async (position) => {
      if (position === at) await new Promise(() => undefined);
    });
    expect(await take(delivery, [hanging], 1)).toMatchObject({ kind: 'failed', failure: { code: 'handler_timeout' } });
    expect([await effects(delivery), await runs(delivery)]).toEqual([[], { stepping: 'failed' }]);
    expect(await take(delivery, [stepping()], 2)).toMatchObject({ kind: 'ended', outcome: 'processed' });
    expect(await effects(delivery)).toEqual(['0', '1', '2']);
  });

  test('where a statement of it hangs in the database', async () => {
    const delivery = aDelivery();
    const sleeping = on('*', { name: 'sleeping', timeoutMs: 100 }, async ({ tx, event }) => {
      await write(tx, event.id, 'sleeping');
      await sql`select pg_sleep(60)`.execute(tx);
    });
    const started = performance.now();
    expect(await take(delivery, [sleeping, writing('after')], 1)).toMatchObject({ kind: 'failed' });
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(await effects(delivery)).toEqual(['after']);
    expect(await runs(delivery)).toEqual({ sleeping: 'failed', after: 'done' });
  });

  test('where it runs on after its time: what it asks for then is refused', async () => {
    const delivery = aDelivery();
    const released = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<string>();
    const late = on('*', { name: 'late', timeoutMs: 100 }, async ({ tx, event }) => {
      await released.promise;
      await write(tx, event.id, 'late').then(
        () => asked.resolve('written'),
        (error: unknown) => asked.resolve(toFailure(error).code),
      );
    });
    const releasing = on('*', 'releasing', async ({ tx, event }) => {
      released.resolve();
      await asked.promise;
      await write(tx, event.id, 'releasing');
    });
    expect(await take(delivery, [late, releasing], 1)).toMatchObject({ failure: { code: 'handler_timeout' } });
    expect(await asked.promise).toBe('handler_late');
    expect([await effects(delivery), await runs(delivery)]).toEqual([
      ['releasing'],
      { late: 'failed', releasing: 'done' },
    ]);
  });

  test('where it swallows a database error, which takes its writes with it', async () => {
    const delivery = aDelivery();
    const swallowing = on('*', 'swallowing', async ({ tx, event }) => {
      await write(tx, event.id, 'swallowing');
      await sql`select 1 / 0`.execute(tx).catch(() => undefined);
    });
    expect(await take(delivery, [swallowing, writing('after')], 1)).toMatchObject({ kind: 'failed' });
    expect([await effects(delivery), await runs(delivery)]).toEqual([
      ['after'],
      { swallowing: 'failed', after: 'done' },
    ]);
  });

  test('where its process is killed before any of its awaits', { timeout: 300_000 }, async () => {
    await using system = await createTestSystem('redis', {
      PENSTOCK_CONFIG: 'tests/harness/dying-handler.test.config.ts',
      CONCURRENCY: '1',
      // The event is not to blame for these.
      CRASHES_MAX: '1000',
    });
    const ingest = await system.startIngest();
    const event = aStripeEvent();
    expect((await postStripe(ingest, event.body)).status).toBe(200);
    for (const position of [0, 1, 2, 3, 4]) {
      const doomed = await system.startDoomedWorker({ DIE_BEFORE: String(position) });
      expect((await doomed.exited).signal).toBe('SIGKILL');
      // Once it is a suspect it is stored before it is tried; nothing else of it is.
      expect(Object.keys(await system.ledger())).toEqual(position < 2 ? [] : ['received']);
      expect((await system.effects()).size).toBe(0);
    }
    await system.startWorker();
    await until(async () => (await system.ledger())['processed'] === 1, { what: 'the event to be processed' });
    expect((await system.effects()).get(event.id)).toBe(3);
    const messages = await system.db.selectFrom('outbox').select('key').where('topic', '=', 'effects').execute();
    expect(messages).toEqual([{ key: event.id }]);
  });
});

test('a handler is told of the payment as it stands with the event, refunds included', async () => {
  const seen: unknown[] = [];
  const watching = on('refund.*', 'watching', async ({ payment }) => {
    seen.push([payment.payment.id, payment.payment.amountRefunded, payment.refunds.map(({ status }) => status)]);
  });
  await take(aRefund('pi_seen', { amount: 300 }), [watching], 1);
  await take(aRefund('pi_seen', { amount: 200 }), [watching], 1);
  expect(seen).toEqual([
    ['pi_seen', 300, ['succeeded']],
    ['pi_seen', 500, ['succeeded', 'succeeded']],
  ]);
});

function take(delivery: Delivery, handlers: readonly LedgerHandler[], attempt: number) {
  const job = { jobId: delivery.eventId, data: delivery, attempt };
  return processWebhook(job, processWorld(database.db, { handlers, handlerMs: 200 }));
}

function writing(name: string): LedgerHandler {
  return on('*', name, ({ tx, event }) => write(tx, event.id, name));
}

/** Writes three rows, and does what it is told before each and after the last. */
function stepping(before: (position: number) => Promise<void> = async () => undefined): LedgerHandler {
  return on('*', 'stepping', async ({ tx, event }) => {
    for (const position of [0, 1, 2]) {
      await before(position);
      await write(tx, event.id, String(position));
    }
    await before(3);
  });
}

async function write(tx: LedgerTransaction, eventId: string, handler: string): Promise<void> {
  await sql`insert into effects (event_id, handler) values (${eventId}, ${handler})`.execute(tx);
}

async function effects({ eventId }: Delivery): Promise<readonly string[]> {
  const { rows } = await sql<{
    handler: string;
  }>`select handler from effects where event_id = ${eventId} order by handler`.execute(database.db);
  return rows.map(({ handler }) => handler);
}

async function runs({ eventId }: Delivery): Promise<Readonly<Record<string, string>>> {
  const rows = await database.db
    .selectFrom('handler_runs')
    .innerJoin('ledger', 'ledger.id', 'handler_runs.ledger_id')
    .select(['handler_runs.handler', 'handler_runs.state'])
    .where('ledger.provider_event_id', '=', eventId)
    .execute();
  return Object.fromEntries(rows.map((row) => [row.handler, row.state]));
}

async function state({ eventId }: Delivery): Promise<string | undefined> {
  const row = await database.db
    .selectFrom('ledger')
    .select('state')
    .where('provider_event_id', '=', eventId)
    .executeTakeFirst();
  return row?.state;
}

let refunds = 0;

function aRefund(paymentIntent: string, { amount }: { readonly amount: number }): Delivery {
  refunds += 1;
  const object = {
    id: `re_${refunds}`,
    object: 'refund',
    amount,
    currency: 'eur',
    status: 'succeeded',
    payment_intent: paymentIntent,
    charge: `ch_${paymentIntent}`,
  };
  const event = aStripeEvent({ type: 'refund.created', object });
  return aDelivery({ eventId: event.id, type: 'refund.created', text: event.body.toString() });
}
