import { describe, expect, test } from 'vitest';
import {
  destinationSchema,
  wantsEvent,
  wantsTopic,
  type DestinationFilter,
  type FilteredEvent,
} from './destination.ts';

const event: FilteredEvent = {
  provider: 'stripe',
  type: 'charge.succeeded',
  canonicalTypes: ['payment.captured'],
  endpoint: 'stripe-eu',
  account: 'acme',
  payload: () => ({ livemode: true, data: { object: { currency: 'eur', amount: 1_200, items: [{ id: 'a' }] } } }),
};

test.each<{ filter: DestinationFilter; wanted: boolean }>([
  { filter: {}, wanted: false },
  { filter: { topics: ['payment.captured'] }, wanted: false },
  { filter: { events: ['*'] }, wanted: true },
  { filter: { events: ['payment.*'] }, wanted: true },
  { filter: { events: ['refund.*', 'stripe:charge.*'] }, wanted: true },
  { filter: { events: ['refund.*'] }, wanted: false },
  { filter: { events: ['*'], endpoints: ['stripe-eu'] }, wanted: true },
  { filter: { events: ['*'], endpoints: ['stripe-us'] }, wanted: false },
  { filter: { events: ['*'], accounts: ['other'] }, wanted: false },
  { filter: { events: ['*'], where: { 'data.object.currency': 'eur', livemode: true } }, wanted: true },
  { filter: { events: ['*'], where: { 'data.object.currency': 'usd' } }, wanted: false },
  { filter: { events: ['*'], where: { 'data.object.amount': '1200' } }, wanted: false },
  { filter: { events: ['*'], where: { 'data.object.items.0.id': 'a' } }, wanted: true },
  { filter: { events: ['*'], where: { 'data.nothing.here': 1 } }, wanted: false },
  { filter: { events: ['*'], where: { 'constructor.name': 'Object' } }, wanted: false },
])('an event is wanted by $filter: $wanted', ({ filter, wanted }) => {
  expect(wantsEvent(filter, event)).toBe(wanted);
});

test('the payload is read only where a filter looks into it', () => {
  const unread = {
    ...event,
    payload: () => {
      throw new Error('read');
    },
  };
  expect(wantsEvent({ events: ['*'] }, unread)).toBe(true);
  expect(wantsEvent({ events: ['refund.*'], where: { a: 1 } }, unread)).toBe(false);
});

test('a message is wanted by its topic alone', () => {
  expect(wantsTopic({ topics: ['credits.changed'] }, 'credits.changed')).toBe(true);
  expect(wantsTopic({ events: ['*'] }, 'credits.changed')).toBe(false);
});

describe('a destination', () => {
  const given = { url: 'https://example.org', secrets: ['whsec_x'] };

  test('has defaults', () => {
    expect(destinationSchema.parse(given)).toMatchObject({ shape: 'canonical', concurrency: 4, attempts: 12 });
  });

  test.each([
    [{ url: undefined }],
    [{ secrets: [] }],
    [{ shape: 'xml' }],
    [{ timeoutMs: 1 }],
    [{ attempts: 0 }],
    [{ where: { 'a..b': 1 } }],
    [{ allowPrivate: ['10.0.0.0'] }],
    [{ unknown: 1 }],
  ])('with %j is refused', (wrong) => {
    expect(destinationSchema.safeParse({ ...given, ...wrong }).success).toBe(false);
  });
});
