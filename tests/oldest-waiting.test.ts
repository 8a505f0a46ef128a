import { describe, expect, test } from 'vitest';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { aDelivery } from './harness/deliveries.ts';
import { createTestQueue, queueBackends } from './harness/queues.ts';
import { until } from './harness/until.ts';

const lanes = ['live', 'overflow', 'replay'] as const;

describe.each(queueBackends)('the age of the backlog on %s', (backend) => {
  test.each(lanes)('is that of the job that has waited longest, also where its lane is %s', async (lane) => {
    await using own = await createTestQueue(backend);
    await using queue = openWebhookQueue(own.location);
    await queue.connected();
    expect(await queue.oldestWaiting()).toBeNull();
    await queue.recreate(aDelivery(), { lane });
    const oldest = (await queue.oldestWaiting()) ?? new Date(Infinity);
    await until(() => Date.now() > oldest.getTime(), { what: 'the clock to go on' });
    for (const later of lanes) await queue.recreate(aDelivery(), { lane: later });
    expect(await queue.oldestWaiting()).toEqual(oldest);
  });
});
