import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventBody, requestOf, sentAt, testEffects, transmissionId, webhookId } from './fixtures/deliveries.ts';
import { readEnvelope } from './envelope.ts';
import { signDemoHmac } from './sign.ts';
import { createPayPalVerifier } from './verify.ts';

const sandbox = { livemode: false };

describe('an event', () => {
  test('is named by its envelope', () => {
    expect(readEnvelope(eventBody(), { livemode: true })).toEqual({
      kind: 'event',
      event: {
        eventId: 'WH-58D329510W468432D-8HN650336L201105X',
        type: 'PAYMENT.CAPTURE.COMPLETED',
        occurredAt: new Date('2026-03-01T11:59:58.123Z'),
        livemode: true,
        apiVersion: '1.0/2.0',
        providerAccount: null,
      },
    });
  });

  test.each([
    { fields: { event_version: undefined }, apiVersion: null },
    { fields: { resource_version: undefined }, apiVersion: '1.0' },
    { fields: { event_version: 1, resource_version: 'two words' }, apiVersion: null },
  ])('is not lost to a version of another form: $fields', ({ fields, apiVersion }) => {
    expect(readEnvelope(eventBody(fields), sandbox)).toMatchObject({ kind: 'event', event: { apiVersion } });
  });
});

describe('a body that is no event', () => {
  const secret = 'confidential';

  test.each([
    [
      'bytes that are not UTF-8',
      Buffer.from(eventBody().toString('latin1').replace('Payment', 'Payment \xff'), 'latin1'),
    ],
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), eventBody()])],
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from(secret)],
    ['two objects', Buffer.from(`{}{"a":"${secret}"}`)],
    ['null', Buffer.from('null')],
    ['a list', Buffer.from(`["${secret}"]`)],
    ['100,000 open brackets', Buffer.from('['.repeat(100_000))],
    ['100,000 nested lists', Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))],
    ['100,000 nested objects', Buffer.from(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
    ['no id', eventBody({ id: undefined })],
    ['an id of another system', eventBody({ id: secret })],
    ['an id with a space', eventBody({ id: `WH-${secret} ` })],
    ['an id outside ASCII', eventBody({ id: 'WH-é' })],
    ['an id of 256 characters', eventBody({ id: `WH-${'1'.repeat(253)}` })],
    ['a type that is none', eventBody({ event_type: secret })],
    ['a creation time without a zone', eventBody({ create_time: '2026-03-01T12:00:00' })],
    ['a creation time that is none', eventBody({ create_time: '2026-13-01T12:00:00Z' })],
    ['no resource', eventBody({ resource: undefined })],
    ['a list as resource', eventBody({ resource: [secret] })],
    ['text as resource', eventBody({ resource: secret })],
  ])('is malformed, and the reason repeats nothing of it: %s', (_, body) => {
    const reading = readEnvelope(body, sandbox);
    expect(reading).toMatchObject({ kind: 'malformed' });
    expect(JSON.stringify(reading)).not.toContain(secret);
  });

  test('any bytes are read without an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (bytes) => {
          expect(['event', 'malformed']).toContain(readEnvelope(Buffer.from(bytes), sandbox).kind);
        },
      ),
    );
  });

  test('a resource nested 30,000 deep is an event like any other, one of 100,000 is malformed; neither is an exception', () => {
    const nested = (levels: number) =>
      eventBody({ resource: 'deep' })
        .toString()
        .replace('"deep"', `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    expect(readEnvelope(Buffer.from(nested(30_000)), sandbox)).toMatchObject({ kind: 'event' });
    expect(readEnvelope(Buffer.from(nested(100_000)), sandbox)).toMatchObject({ kind: 'malformed' });
  });

  test('is kept with its transmission when its signature is genuine', async () => {
    const body = Buffer.from('{"not":"an event"}');
    const demoSecret = 'a secret for demonstrations';
    const verify = createPayPalVerifier(
      { webhookId, environment: 'sandbox', mode: 'demo-hmac', demoSecret },
      testEffects(),
    );
    const headers = signDemoHmac({ body, webhookId, transmissionId, transmissionTime: sentAt, secret: demoSecret });
    expect(await verify(requestOf(headers, body), sentAt)).toMatchObject({
      kind: 'malformed',
      tier: 'body',
      keyId: 'demo-hmac',
      transmissionId,
    });
  });
});
