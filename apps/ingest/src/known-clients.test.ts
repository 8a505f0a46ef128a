import { describe, expect, test } from 'vitest';
import { createKnownClients } from './known-clients.ts';

function clients(refusalsPerMinute: number) {
  let now = 0;
  const known = createKnownClients({ refusalsPerMinute, clock: () => now });
  return {
    ...known,
    wait: (milliseconds: number) => (now += milliseconds),
    refuse: (client: string, times: number) => {
      for (let time = 0; time < times; time += 1) known.learn(client, 'rejected');
    },
  };
}

describe('a client', () => {
  test('is proven by a genuine request for an hour, and by nothing else', () => {
    const { learn, isProven, wait } = clients(0);
    for (const outcome of ['rejected', 'unknown_endpoint', 'too_large', 'undecided', 'overloaded'] as const)
      learn('192.0.2.1', outcome);
    expect(isProven('192.0.2.1')).toBe(false);
    learn('192.0.2.1', 'accepted');
    wait(1_800_000);
    learn('192.0.2.1', 'accepted');
    wait(3_599_000);
    expect(isProven('192.0.2.1')).toBe(true);
    expect(isProven('192.0.2.2')).toBe(false);
    wait(2_000);
    expect(isProven('192.0.2.1')).toBe(false);
  });

  test('is barred after so many refusals within a minute, and looked at again at that rate', () => {
    const { refuse, barredFor, wait } = clients(60);
    refuse('192.0.2.1', 59);
    expect(barredFor('192.0.2.1')).toBeNull();
    refuse('192.0.2.1', 1);
    expect(barredFor('192.0.2.1')).toBe(1);
    expect(barredFor('192.0.2.2')).toBeNull();
    wait(1_000);
    expect(barredFor('192.0.2.1')).toBeNull();
    refuse('192.0.2.1', 1);
    expect(barredFor('192.0.2.1')).toBe(1);
  });

  test('that has proven itself is never barred, so that an address shared with a forger stays open', () => {
    const { refuse, learn, barredFor } = clients(60);
    refuse('192.0.2.1', 500);
    expect(barredFor('192.0.2.1')).not.toBeNull();
    learn('192.0.2.1', 'accepted');
    refuse('192.0.2.1', 500);
    expect(barredFor('192.0.2.1')).toBeNull();
  });

  test('is never barred unless it is asked for', () => {
    const { refuse, barredFor } = clients(0);
    refuse('192.0.2.1', 10_000);
    expect(barredFor('192.0.2.1')).toBeNull();
  });

  test('with IPv6 is its network of 64 bits', () => {
    const { refuse, barredFor } = clients(2);
    refuse('2001:db8:0:7::1', 1);
    refuse('2001:db8::7:aaaa:bbbb:cccc:dddd', 1);
    expect(barredFor('2001:db8:0:7:1:2:3:4')).not.toBeNull();
    expect(barredFor('2001:db8:0:8::1')).toBeNull();
    expect(barredFor('::1')).toBeNull();
  });

  test('is forgotten for newer ones, so that addresses without end hold bounded memory', () => {
    const { refuse, barredFor } = clients(1);
    refuse('192.0.2.1', 1);
    expect(barredFor('192.0.2.1')).not.toBeNull();
    for (let number = 0; number < 10_000; number += 1) refuse(`10.1.${number >> 8}.${number & 255}`, 1);
    expect(barredFor('192.0.2.1')).toBeNull();
  });
});
