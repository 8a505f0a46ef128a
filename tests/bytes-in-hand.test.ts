import { describe, expect, test } from 'vitest';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { aDelivery } from './harness/deliveries.ts';
import { createTestQueue, queueBackends } from './harness/queues.ts';
import { until } from './harness/until.ts';

describe.each(queueBackends)('a worker on %s', (backend) => {
  test('takes no more while what it has in hand holds too much, and all in the end', async () => {
    await using own = await createTestQueue(backend);
    await using queue = openWebhookQueue(own.location);
    await queue.connected();
    const gate = Promise.withResolvers<void>();
    let inHand = 0;
    let most = 0;
    // A backlog: all that may be in hand is taken before the first of it is begun.
    for (let count = 0; count < 12; count += 1) await queue.add([aDelivery({ text: 'x'.repeat(100_000) })]);
    await using _consumer = consumeWebhooks({
      location: own.location,
      concurrency: 50,
      bytesMax: 250_000,
      lockMs: 30_000,
      attempt: async () => {
        inHand += 1;
        most = Math.max(most, inHand);
        await gate.promise;
        inHand -= 1;
        return { kind: 'done', outcome: 'processed' };
      },
      onAbandoned: async () => undefined,
      onError: () => undefined,
    });
    await until(() => inHand >= 3, { what: 'as much as may be to be in hand' });
    // Each of these is answered after whatever was under way when it was asked.
    for (let look = 0; look < 20; look += 1) await queue.counts();
    const held = inHand;
    gate.resolve();
    await until(async () => (await queue.counts()).completed === 12, { what: 'all to be done' });
    expect(held).toBeLessThan(6);
    expect(most).toBeLessThan(10);
  });
});
