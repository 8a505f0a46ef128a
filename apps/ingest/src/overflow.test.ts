import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delivery } from '@penstock/core/delivery';
import { chooseLanes } from './overflow.ts';

function delivery(endpoint: string, providerAccount: string | null = null): Delivery {
  return {
    v: 1,
    deliveryId: 'd4f1f3c4-93c4-4f4e-8d5d-5ad3d2c6a7b1',
    endpoint,
    provider: 'stripe',
    account: 'acme',
    eventId: 'evt_1',
    type: 'customer.created',
    shape: 'event',
    occurredAt: null,
    receivedAt: '2026-01-01T00:00:00.000Z',
    livemode: false,
    apiVersion: null,
    providerAccount,
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

/** Lanes of requests of one delivery each, one after the other, at a clock that is moved by hand. */
function lanes(given: { readonly ratePerSecond: number; readonly burst: number }) {
  let now = 0;
  const choose = chooseLanes({ ...given, clock: () => now });
  return {
    of: (source: Delivery, count: number) => Array.from({ length: count }, () => choose([source])),
    choose,
    wait: (milliseconds: number) => (now += milliseconds),
  };
}

describe('the lane of an event', () => {
  test('is live up to a burst and then at the rate; what comes faster is overflow', () => {
    const { of, wait } = lanes({ ratePerSecond: 10, burst: 3 });
    expect(of(delivery('stripe'), 5)).toEqual(['live', 'live', 'live', 'overflow', 'overflow']);
    wait(100);
    expect(of(delivery('stripe'), 2)).toEqual(['live', 'overflow']);
    wait(3_600_000);
    expect(of(delivery('stripe'), 4)).toEqual(['live', 'live', 'live', 'overflow']);
  });

  test('is chosen for each endpoint, and each account of one, by itself', () => {
    const { of } = lanes({ ratePerSecond: 1, burst: 1 });
    expect(of(delivery('stripe', 'acct_1'), 3)).toEqual(['live', 'overflow', 'overflow']);
    expect(of(delivery('stripe', 'acct_2'), 1)).toEqual(['live']);
    expect(of(delivery('stripe'), 1)).toEqual(['live']);
    expect(of(delivery('paypal', 'acct_1'), 1)).toEqual(['live']);
  });

  test('of a request with more events than a burst is live after a rest, and the debt is paid off first', () => {
    const { choose, wait } = lanes({ ratePerSecond: 10, burst: 5 });
    const many = Array.from({ length: 20 }, () => delivery('adyen'));
    expect(choose(many)).toBe('live');
    wait(1_500);
    expect(choose([delivery('adyen')])).toBe('overflow');
    wait(200);
    expect(choose([delivery('adyen')])).toBe('live');
  });

  test('never lets more through as live than the burst and the rate allow', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ waitMs: fc.nat(500), count: fc.integer({ min: 1, max: 20 }) }), { maxLength: 50 }),
        (requests) => {
          const { of, wait } = lanes({ ratePerSecond: 20, burst: 10 });
          let elapsed = 0;
          let live = 0;
          for (const { waitMs, count } of requests) {
            wait(waitMs);
            elapsed += waitMs;
            live += of(delivery('stripe'), count).filter((lane) => lane === 'live').length;
          }
          expect(live).toBeLessThanOrEqual(10 + (elapsed / 1_000) * 20 + 1e-6);
        },
      ),
    );
  });

  test('is chosen in bounded memory, however many accounts there are', () => {
    const { of } = lanes({ ratePerSecond: 1, burst: 1 });
    of(delivery('stripe', 'acct_first'), 1);
    for (let index = 0; index < 10_000; index += 1) of(delivery('stripe', `acct_${index}`), 1);
    // Forgotten, so that it begins anew.
    expect(of(delivery('stripe', 'acct_first'), 1)).toEqual(['live']);
    expect(of(delivery('stripe', 'acct_9999'), 1)).toEqual(['overflow']);
  });
});
