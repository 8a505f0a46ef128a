import { describe, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import { enqueueTogether } from './enqueue-together.ts';

describe('what concurrent requests bring', () => {
  test('goes by one command a lane, and each request is answered how its own events stand', async () => {
    const commands: string[] = [];
    const add = enqueueTogether(async (deliveries, { lane }) => {
      commands.push(`${lane}: ${deliveries.map(({ eventId }) => eventId).join(' ')}`);
      return deliveries.map(({ eventId }): QueueStanding => (eventId === 'b' ? 'already queued' : 'queued'));
    });
    const standings = await Promise.all([
      add([aDelivery('a'), aDelivery('b')], { lane: 'live' }),
      add([aDelivery('c')], { lane: 'overflow' }),
      add([aDelivery('d')], { lane: 'live' }),
    ]);
    expect(standings).toEqual([['queued', 'already queued'], ['queued'], ['queued']]);
    expect(commands.toSorted()).toEqual(['live: a b d', 'overflow: c']);
  });

  test('is acknowledged to nobody where the command fails', async () => {
    const add = enqueueTogether(() => Promise.reject(new Error('the queue is away')));
    const settled = await Promise.allSettled(['a', 'b'].map((id) => add([aDelivery(id)], { lane: 'live' })));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});

function aDelivery(eventId: string): Delivery {
  return {
    v: 1,
    deliveryId: '6f1ed002-ab5e-4b5c-9a51-0a1b2c3d4e5f',
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'stripe',
    eventId,
    type: 'charge.succeeded',
    shape: 'event',
    occurredAt: null,
    receivedAt: '2026-01-01T00:00:00.000Z',
    livemode: null,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'key-0a1b2c',
    transmissionId: null,
    requestId: 'r',
    contentType: null,
    origin: 'webhook',
    bodySha256: '0'.repeat(64),
    body: { encoding: 'utf8', data: '' },
  };
}
