import { expect, test } from 'vitest';
import { processSteps } from '@penstock/worker/process-webhook';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** Each step is where this many workers die. */
const KILLS_A_STEP = 8;

test(
  'a worker killed between any two steps loses nothing and applies nothing twice: 64 kills',
  { timeout: 600_000 },
  async () => {
    await using system = await createTestSystem('redis', { CONCURRENCY: '2', CRASHES_MAX: '1000' });
    const ingest = await system.startIngest();
    const events = await postEvents(system, ingest, 160);

    const kills = processSteps.flatMap((step) =>
      Array.from({ length: KILLS_A_STEP }, (_, round) => `${step}:${1 + (round % 3)}`),
    );
    const signals: (NodeJS.Signals | null)[] = [];
    const lane = async (): Promise<void> => {
      for (let crashAt = kills.pop(); crashAt !== undefined; crashAt = kills.pop()) {
        const doomed = await system
          .startWorker({ CRASH_AT: crashAt }, 'tests/fixtures/crashing-worker.ts')
          .catch(() => null);
        // One that dies before it has said that it started has died all the same.
        if (doomed !== null) signals.push((await doomed.exited).signal);
      }
    };
    await Promise.all([lane(), lane(), lane()]);
    expect(signals.filter((signal) => signal === 'SIGKILL').length).toBeGreaterThanOrEqual(50);

    await system.startWorker();
    await everyEffectExactlyOnce(system, events);
  },
);

test(
  'an ingest killed between enqueue and answer leaves an event that is applied once, though it is sent again',
  { timeout: 300_000 },
  async () => {
    await using system = await createTestSystem();
    const sent: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      const doomed = await system.startIngest({}, 'tests/fixtures/crashing-ingest.ts');
      const event = aStripeEvent();
      await expect(postStripe(doomed, event.body)).rejects.toThrow();
      expect((await doomed.exited).signal).toBe('SIGKILL');
      sent.push(event.id);
      const healthy = await system.startIngest();
      // What a provider does that had no answer.
      expect(await postStripe(healthy, event.body)).toMatchObject({
        status: 200,
        json: { status: 'duplicate', detail: 'already queued' },
      });
      await healthy.stop();
    }
    await system.startWorker();
    await everyEffectExactlyOnce(system, sent);
  },
);

/** Half of them events that a handler counts, half charges that are folded and counted. */
async function postEvents(
  system: TestSystem,
  ingest: { readonly url: string },
  count: number,
): Promise<readonly string[]> {
  const events = Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? aStripeEvent() : aStripeEvent({ type: 'charge.succeeded', object: aCharge(index) }),
  );
  const answers = await Promise.all(events.map(({ body }) => postStripe(ingest, body)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect((await system.queue.counts()).waiting).toBe(count);
  return events.map(({ id }) => id);
}

async function everyEffectExactlyOnce(system: TestSystem, eventIds: readonly string[]): Promise<void> {
  await until(async () => (await system.ledger())['processed'] === eventIds.length, {
    what: 'every event to be processed',
    everyMs: 100,
  });
  await until(
    async () => {
      const { waiting, active, delayed } = await system.queue.counts();
      return waiting + active + delayed === 0;
    },
    { what: 'the queue to be empty', everyMs: 100 },
  );
  expect(await system.ledger()).toEqual({ processed: eventIds.length });
  expect(await system.effects()).toEqual(new Map(eventIds.map((id) => [id, 1])));
  const charges = await system.db.selectFrom('payments').select(['id', 'amount_captured']).orderBy('id').execute();
  for (const { id, amount_captured } of charges) expect(amount_captured).toBe(Number(id.slice(3)));
  expect((await system.queue.counts()).failed).toBe(0);
}

function aCharge(index: number): Record<string, unknown> {
  const amount = 1_000 + index;
  return {
    id: `ch_${amount}`,
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
