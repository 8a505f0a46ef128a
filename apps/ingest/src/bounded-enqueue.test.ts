import { expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import { boundedEnqueue } from './bounded-enqueue.ts';

test('what waits for the queue is bounded; the rest is refused at once, until what waited is settled', async () => {
  const settles: (() => void)[] = [];
  const enqueue = boundedEnqueue(
    () => new Promise<readonly QueueStanding[]>((resolve) => settles.push(() => resolve(['queued']))),
    100,
  );
  const first = enqueue([ofBytes(60)]);
  const second = enqueue([ofBytes(40)]);
  await expect(enqueue([ofBytes(1)])).rejects.toMatchObject({ code: 'queue_unavailable' });
  expect(settles).toHaveLength(2);
  settles[0]?.();
  await first;
  const third = enqueue([ofBytes(60)]);
  settles[1]?.();
  settles[2]?.();
  expect(await Promise.all([second, third])).toEqual([['queued'], ['queued']]);
});

test('one that is larger than the bound is let through alone, and a failure gives its bytes back', async () => {
  let fails = true;
  const enqueue = boundedEnqueue(async () => {
    if (fails) throw new Error('away');
    return ['queued'];
  }, 100);
  await expect(enqueue([ofBytes(500)])).rejects.toThrow('away');
  fails = false;
  expect(await enqueue([ofBytes(500)])).toEqual(['queued']);
});

function ofBytes(length: number): Delivery {
  return {
    v: 1,
    deliveryId: '0192f0c4-7c1e-7000-8000-000000000000',
    endpoint: 'e',
    provider: 'stripe',
    account: 'a',
    eventId: 'evt_1',
    type: 't',
    shape: 'event',
    occurredAt: null,
    receivedAt: '2026-01-01T00:00:00.000Z',
    livemode: null,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'k',
    transmissionId: null,
    requestId: 'r',
    contentType: null,
    origin: 'webhook',
    bodySha256: '0'.repeat(64),
    body: { encoding: 'utf8', data: 'x'.repeat(length) },
  };
}
