import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { contestedJobIdOf, jobIdOf, type Delivery } from '@penstock/core/delivery';
import { PermanentError, TransientError } from '@penstock/core/failure';
import { paddle } from '@penstock/core/providers/paddle/provider';
import type { Provider } from '@penstock/core/provider';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { openTaker } from '@penstock/worker/take-job';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** Paddle gives each replay a notification id of its own, so that the bytes always differ. */
describe('a dead event that its provider sends again in another rendering', () => {
  test('is put back to work as it was stored, and its dead letter is gone', async () => {
    await using system = await createTestSystem();
    const { eventId, sent, rendering } = aPaddleEvent();
    const translation = brokenTranslation();
    await using _worker = takeJobs(system, translation);
    await system.queue.add([sent]);
    await died(system, 1);

    translation.mend();
    expect(await system.queue.add([rendering()])).toEqual(['contested']);
    await processed(system, eventId);
    expect(await system.queue.placeOf(jobIdOf(sent))).toBe('completed');
    expect(await paymentsOf(system)).toEqual([{ amount_captured: 65_215 }]);
    expect(await system.db.selectFrom('collisions').select('id').execute()).toEqual([]);
    const events = await system.db.selectFrom('events').select('body_sha256').execute();
    expect(events.map((row) => row.body_sha256.toString('hex'))).toEqual([sent.bodySha256]);
  });

  test('is so again each time, also by a rendering that was judged before', async () => {
    await using system = await createTestSystem();
    const { eventId, sent, rendering } = aPaddleEvent();
    const translation = brokenTranslation();
    await using _worker = takeJobs(system, translation);
    const again = rendering();
    await system.queue.add([sent]);
    await died(system, 1);
    await system.queue.add([again]);
    await died(system, 2);
    await until(async () => (await system.queue.placeOf(contestedJobIdOf(again))) === 'completed', {
      what: 'the rendering to be judged',
    });

    translation.mend();
    await system.queue.add([{ ...again, deliveryId: randomUUID() }]);
    await processed(system, eventId);
  });

  test('is worked on where the queue no longer knows it, and tried again where that fails', async () => {
    await using system = await createTestSystem();
    const { eventId, sent, rendering } = aPaddleEvent();
    const translation = brokenTranslation();
    await using _worker = takeJobs(system, translation);
    await system.queue.add([sent]);
    await died(system, 1);
    await system.queue.forgetFailed(jobIdOf(sent));

    translation.fail(new TransientError('test_busy', 'not this time'));
    expect(await system.queue.add([rendering()])).toEqual(['queued']);
    await until(async () => (await system.ledger())['received'] === 1, { what: 'the attempt to fail' });
    translation.mend();
    await processed(system, eventId);
    expect(await system.queue.placeOf(jobIdOf(sent))).toBe('completed');
  });

  test('counts the workers that it ends, where it is a suspect', async () => {
    await using system = await createTestSystem();
    const { sent, rendering } = aPaddleEvent();
    const translation = brokenTranslation();
    const suspect = { jobId: jobIdOf(sent), attempt: 1, stalls: 2 };
    const taker = openTaker(worldOf(system, translation));
    await taker.take({ ...suspect, data: sent });
    expect(await trialsOf(system)).toBe(1);
    translation.mend();
    expect(await taker.take({ ...suspect, data: rendering() })).toMatchObject({ processed: { outcome: 'processed' } });
    expect(await trialsOf(system)).toBe(2);
    expect(await system.db.selectFrom('crashes').select('id').execute()).toEqual([]);
  });
});

interface Translation {
  readonly provider: Provider;
  readonly mend: () => void;
  readonly fail: (error: Error) => void;
}

/** How many trials were written down, those included that were struck out again. */
async function trialsOf(system: TestSystem): Promise<number> {
  const { rows } = await sql<{ last_value: number }>`
    select last_value from pg_sequences where sequencename = 'crashes_id_seq'`.execute(system.db);
  return rows[0]?.last_value ?? 0;
}

/** Paddle's own, once it is mended. */
function brokenTranslation(): Translation {
  let error: Error | null = new PermanentError('malformed_event', 'the translation is wrong');
  return {
    provider: {
      ...paddle,
      translate: (body) => {
        if (error !== null) throw error;
        return paddle.translate(body);
      },
    },
    mend: () => void (error = null),
    fail: (other) => void (error = other),
  };
}

function worldOf(system: TestSystem, { provider }: Translation) {
  const { recreate: putBack } = system.queue;
  return { ...processWorld(system.db, { provider: () => provider, putBack }), crashesMax: 3, workerName: 'test' };
}

function takeJobs(system: TestSystem, translation: Translation): AsyncDisposable {
  const taker = openTaker(worldOf(system, translation));
  return consumeWebhooks({
    location: system.queue.location,
    concurrency: 4,
    lockMs: 5_000,
    attempt: async (job) => (await taker.take(job)).verdict,
    onAbandoned: async () => undefined,
    onError: () => undefined,
  });
}

function aPaddleEvent(): {
  readonly eventId: string;
  readonly sent: Delivery;
  readonly rendering: () => Delivery;
} {
  const eventId = `evt_${randomUUID().replaceAll('-', '')}`;
  const rendering = (): Delivery =>
    aDelivery({
      endpoint: 'paddle',
      provider: 'paddle',
      account: 'acme',
      eventId,
      type: 'transaction.completed',
      text: JSON.stringify({
        event_id: eventId,
        event_type: 'transaction.completed',
        occurred_at: '2026-04-12T10:18:50.155553Z',
        notification_id: `ntf_${randomUUID()}`,
        data: {
          id: 'txn_01',
          status: 'completed',
          currency_code: 'USD',
          details: { totals: { total: '65215', grand_total: '65215', balance: '0', currency_code: 'USD' } },
          payments: [],
        },
      }),
    });
  return { eventId, sent: rendering(), rendering };
}

/** As often as that, and its job is in the failed set. */
async function died(system: TestSystem, times: number): Promise<void> {
  await until(
    async () =>
      (await system.queue.counts()).failed === 1 &&
      (await system.ledger())['dead'] === 1 &&
      (await system.db.selectFrom('deaths').select('id').execute()).length === times,
    { what: 'the event to be dead' },
  );
}

async function processed(system: TestSystem, eventId: string): Promise<void> {
  await until(
    async () => {
      const row = await system.db
        .selectFrom('ledger')
        .select('state')
        .where('provider_event_id', '=', eventId)
        .executeTakeFirst();
      const { waiting, active, delayed } = await system.queue.counts();
      return row?.state === 'processed' && waiting + active + delayed === 0;
    },
    { what: 'the event to be processed', deadlineMs: 20_000 },
  );
}

function paymentsOf(system: TestSystem) {
  return system.db.selectFrom('payments').select('amount_captured').execute();
}
