import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { queueBackends } from './harness/queues.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** The whole path, with the processes an operator runs, on both queue backends. */
describe.each(queueBackends)('from a signed request to its effect, with the queue on %s', (backend) => {
  let system: TestSystem;
  let ingest: TestIngest;

  beforeAll(async () => {
    system = await createTestSystem(backend);
    ingest = await system.startIngest();
    // Which of them has the handler that never ends is chance.
    await system.startWorker({ HANDLER_MS: '1000' });
    await system.startWorker({ HANDLER_MS: '1000' });
  });
  afterAll(() => system[Symbol.asyncDispose]());

  test('a signed event is applied exactly once, and its repetition says that it was', async () => {
    const event = aStripeEvent();
    const first = await postStripe(ingest, event.body);
    expect(first).toMatchObject({ status: 200, json: { id: event.id, status: 'accepted' } });
    await until(async () => (await system.effects()).get(event.id) === 1, { what: 'the effect' });
    await until(async () => (await postStripe(ingest, event.body)).json['detail'] === 'already processed', {
      what: 'the repetition to be known as processed',
    });
    expect((await system.effects()).get(event.id)).toBe(1);
  });

  test('two requests with one event id at the same instant, a hundred times, have one effect each', async () => {
    const events = Array.from({ length: 100 }, () => aStripeEvent());
    const statuses = await Promise.all(
      events.flatMap(({ body }) => [postStripe(ingest, body), postStripe(ingest, body)]),
    );
    expect(statuses.map((answer) => answer.status)).toEqual(Array.from({ length: 200 }, () => 200));
    // Exactly one of each pair was the one accepted.
    expect(statuses.filter((answer) => answer.json['status'] === 'accepted')).toHaveLength(100);
    await until(
      async () => {
        const effects = await system.effects();
        return events.every(({ id }) => effects.has(id));
      },
      { what: 'all effects' },
    );
    const effects = await system.effects();
    expect(events.map(({ id }) => effects.get(id))).toEqual(Array.from({ length: 100 }, () => 1));
  });

  test('one event at two endpoints of one account is applied once', async () => {
    const event = aStripeEvent();
    await postStripe(ingest, event.body, { endpoint: 'stripe' });
    await postStripe(ingest, event.body, { endpoint: 'stripe-too' });
    await until(
      async () =>
        (await system.queue.placeOf(`stripe-too.${event.id}`)) === 'completed' &&
        (await system.queue.placeOf(`stripe.${event.id}`)) === 'completed',
      { what: 'both jobs to end' },
    );
    expect((await system.effects()).get(event.id)).toBe(1);
  });

  test('the same id with another body is put aside as a collision and never applied', async () => {
    const event = aStripeEvent({ type: 'charge.succeeded', object: aCharge('ch_collision', 100) });
    await postStripe(ingest, event.body);
    await until(async () => (await system.effects()).get(event.id) === 1, { what: 'the effect' });
    const other = aStripeEvent({ id: event.id, type: 'charge.succeeded', object: aCharge('ch_collision', 999_999) });
    expect((await postStripe(ingest, other.body)).status).toBe(200);
    const collision = await until(
      () => system.db.selectFrom('collisions').selectAll().where('provider_event_id', '=', event.id).executeTakeFirst(),
      { what: 'the collision' },
    );
    expect(collision).toMatchObject({ kind: 'event_id', body: other.body });
    expect(
      await system.db
        .selectFrom('payments')
        .select('amount_captured')
        .where('id', '=', 'ch_collision')
        .executeTakeFirst(),
    ).toEqual({ amount_captured: 100 });
    expect((await system.effects()).get(event.id)).toBe(1);
  });

  test('a repetition whose delivery counter differs is a repetition, not a collision', async () => {
    const event = aStripeEvent();
    await postStripe(ingest, event.body);
    await until(async () => (await system.effects()).get(event.id) === 1, { what: 'the effect' });
    await postStripe(
      ingest,
      Buffer.from(event.body.toString().replace('"pending_webhooks":1', '"pending_webhooks":0')),
    );
    await until(async () => (await system.queue.counts()).waiting + (await system.queue.counts()).active === 0, {
      what: 'the queue to be empty',
    });
    expect(
      await system.db.selectFrom('collisions').select('id').where('provider_event_id', '=', event.id).execute(),
    ).toEqual([]);
    expect((await system.effects()).get(event.id)).toBe(1);
  });

  test('an event that no one handles is stored and ignored', async () => {
    const event = aStripeEvent({ type: 'some.future.type' });
    await postStripe(ingest, event.body);
    const stored = await until(() => ledgerRow(system, event.id, 'ignored'), { what: 'the event to be ignored' });
    expect(stored.type).toBe('some.future.type');
    expect(stored.body).toEqual(event.body);
  });

  test('a permanent failure is dead at once, with cause and attempt, and leaves no effect', async () => {
    const event = aStripeEvent({ type: 'customer.updated' });
    expect((await postStripe(ingest, event.body)).status).toBe(200);
    const dead = await until(() => ledgerRow(system, event.id, 'dead'), { what: 'the event to be dead' });
    expect(dead).toMatchObject({ failure_code: 'test_poison', failure_reason: 'permanent_failure', attempts: 1 });
    expect((await system.effects()).has(event.id)).toBe(false);
    await until(async () => (await system.queue.placeOf(`stripe.${event.id}`)) === 'failed', {
      what: 'the job to be in the failed set',
    });
  });

  test('a failure is retried until what was broken is mended; the failed attempt left no effect', async () => {
    const event = aStripeEvent({ type: 'customer.deleted' });
    await postStripe(ingest, event.body);
    await until(() => ledgerRow(system, event.id, 'received'), { what: 'the first attempt to be recorded' });
    expect((await system.effects()).has(event.id)).toBe(false);
    await sql`insert into repaired default values`.execute(system.db);
    const row = await until(() => ledgerRow(system, event.id, 'processed'), { what: 'the retry to succeed' });
    expect((await system.effects()).get(event.id)).toBe(1);
    const attempts = await system.db.selectFrom('attempts').selectAll().where('ledger_id', '=', row.id).execute();
    expect(attempts.map(({ attempt, code }) => ({ attempt, code }))).toEqual([{ attempt: 1, code: 'handler_failed' }]);
    expect(attempts[0]?.retry_in_ms).toBeGreaterThanOrEqual(1_600);
    expect(attempts[0]?.retry_in_ms).toBeLessThanOrEqual(2_000);
  });

  test('a handler that never ends is cut off and its event retried; nothing of it stays', async () => {
    const event = aStripeEvent({ type: 'customer.source.created' });
    await postStripe(ingest, event.body);
    const row = await until(
      () =>
        system.db
          .selectFrom('ledger')
          .select(['failure_code', 'state'])
          .where('provider_event_id', '=', event.id)
          .executeTakeFirst(),
      { what: 'the attempt to be cut off' },
    );
    expect(row).toEqual({ failure_code: 'handler_timeout', state: 'received' });
    expect((await system.effects()).has(event.id)).toBe(false);
  });

  test('a genuine body that is not an event is answered 400, kept and dead', async () => {
    const body = Buffer.from('{"hello":"world"}');
    const answer = await postStripe(ingest, body);
    expect(answer).toMatchObject({ status: 400, json: { code: 'event_malformed' } });
    const dead = await until(
      () =>
        system.db
          .selectFrom('ledger')
          .innerJoin('events', 'events.id', 'ledger.id')
          .selectAll()
          .where('type', '=', 'malformed')
          .executeTakeFirst(),
      { what: 'the body to be kept' },
    );
    expect(dead).toMatchObject({ state: 'dead', failure_reason: 'malformed', failure_code: 'malformed_event', body });
  });

  test('the request id is carried from the caller through the queue into the ledger and back', async () => {
    const event = aStripeEvent();
    const answer = await postStripe(ingest, event.body, { headers: { 'x-request-id': 'req-of-the-caller.1' } });
    expect(answer.headers.get('x-request-id')).toBe('req-of-the-caller.1');
    const row = await until(() => ledgerRow(system, event.id, 'processed'), { what: 'the event to be processed' });
    expect(row.request_id).toBe('req-of-the-caller.1');
  });
});

function aCharge(id: string, amount: number): Record<string, unknown> {
  return {
    id,
    object: 'charge',
    amount,
    amount_captured: amount,
    amount_refunded: 0,
    captured: true,
    currency: 'usd',
    paid: true,
    refunded: false,
    status: 'succeeded',
    payment_intent: null,
  };
}

function ledgerRow(system: TestSystem, eventId: string, state: 'received' | 'processed' | 'ignored' | 'dead') {
  return system.db
    .selectFrom('ledger')
    .innerJoin('events', 'events.id', 'ledger.id')
    .selectAll('events')
    .select(['ledger.failure_code', 'ledger.failure_reason', 'ledger.attempts', 'ledger.request_id'])
    .where('ledger.provider_event_id', '=', eventId)
    .where('ledger.state', '=', state)
    .executeTakeFirst();
}
