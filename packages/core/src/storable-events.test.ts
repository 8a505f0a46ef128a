import { describe, expect, test } from 'vitest';
import { refuseUnstorable } from './storable-events.ts';
import type { Verification, VerifiedEvent } from './verification.ts';

const event: VerifiedEvent = {
  eventId: 'evt_1',
  type: 'charge.succeeded',
  occurredAt: new Date('2026-03-01T12:00:00Z'),
  livemode: true,
  apiVersion: '2026-01-28',
  providerAccount: 'acct_1',
};

function verified(...events: readonly VerifiedEvent[]): Verification {
  return { kind: 'verified', tier: 'full', keyId: 'key-0a1b2c', transmissionId: 'transmission-1', events };
}

describe('what a genuine request says of its events', () => {
  test('goes on as it is where it can be stored', () => {
    for (const verification of [
      verified(event),
      verified(event, { ...event, eventId: null, occurredAt: null, apiVersion: null, providerAccount: null }),
      verified({ ...event, apiVersion: 'Zoë 😀', providerAccount: 'a'.repeat(255) }),
    ])
      expect(refuseUnstorable(verification)).toBe(verification);
  });

  test.each<{ what: string; at: string; given: Partial<VerifiedEvent> }>([
    { what: 'a NUL in the version', at: 'apiVersion', given: { apiVersion: '2026\0' } },
    { what: 'half a surrogate pair in the version', at: 'apiVersion', given: { apiVersion: '\ud83d' } },
    { what: 'a version that is too long', at: 'apiVersion', given: { apiVersion: 'a'.repeat(256) } },
    { what: 'a NUL in the account', at: 'providerAccount', given: { providerAccount: '\0' } },
    { what: 'an account that is too long', at: 'providerAccount', given: { providerAccount: 'a'.repeat(256) } },
    { what: 'a NUL in the id', at: 'eventId', given: { eventId: 'evt\0' } },
    { what: 'an empty id', at: 'eventId', given: { eventId: '' } },
    { what: 'a type that is too long', at: 'type', given: { type: 'a'.repeat(256) } },
    { what: 'a year of five digits', at: 'occurredAt', given: { occurredAt: new Date(8_640_000_000_000_000) } },
    { what: 'no time', at: 'occurredAt', given: { occurredAt: new Date(Number.NaN) } },
  ])('with $what is genuine and no event: all of it is kept, and the path is named', ({ at, given }) => {
    expect(refuseUnstorable(verified(event, { ...event, ...given }))).toEqual({
      kind: 'malformed',
      tier: 'full',
      keyId: 'key-0a1b2c',
      transmissionId: 'transmission-1',
      reason: `what the event says of itself cannot be stored: ${at}`,
    });
  });

  test('is not looked at where nothing was verified', () => {
    const rejection: Verification = { kind: 'rejected', code: 'signature_missing', reason: 'there is none' };
    expect(refuseUnstorable(rejection)).toBe(rejection);
  });
});
