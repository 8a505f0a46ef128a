import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { startReceiver } from './harness/receiver.ts';
import { aStripeEvent, createTestSystem, postStripe } from './harness/system.ts';
import { until } from './harness/until.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
/** More than a worker sends at once. */
const SILENT = 20;

test('while a destination does not answer, events are processed and other destinations have their messages', async () => {
  await using receiver = await startReceiver(secret);
  await using system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/forwarding.test.config.ts',
    RECEIVER_URL: receiver.url,
    RECEIVER_SECRET: secret,
    FORWARD_CONCURRENCY: '16',
  });
  const ingest = await system.startIngest();
  await system.startWorker();
  receiver.answerWith(({ body }) => (body.includes('customer.source.deleted') ? 'silent' : { status: 204 }));
  for (let sent = 0; sent < SILENT; sent += 1)
    await postStripe(ingest, aStripeEvent({ type: 'customer.source.deleted' }).body);
  await until(async () => receiver.arrived.length >= 8, { what: 'as many as it may have to wait for its answer' });

  const others = Array.from({ length: 5 }, () => aStripeEvent({ type: 'customer.deleted' }));
  for (const { body } of others) await postStripe(ingest, body);
  await until(async () => receiver.accepted.length === others.length, { what: 'the others to arrive' });
  expect(await system.ledger()).toEqual({ processed: SILENT + others.length });
  // All that while nobody had given up on the silent one.
  const silent = await system.db
    .selectFrom('outbox_deliveries')
    .select(['state', 'attempts'])
    .where('destination', '=', 'slow')
    .execute();
  expect(silent).toEqual(
    Array.from({ length: SILENT }, () => ({ state: expect.stringMatching(/pending|queued/), attempts: 0 })),
  );
  // Nobody waits for it any longer.
  await receiver.down();
});
