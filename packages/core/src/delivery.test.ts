import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contestedJobIdOf,
  decodeBody,
  encodeBody,
  jobIdOf,
  parseDelivery,
  sha256Hex,
  type Delivery,
} from './delivery.ts';

const bytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(text)),
  )
  .map((given) => Buffer.from(given));

function aDelivery(body: Buffer = Buffer.from('{"id":"evt_1"}'), fields: Partial<Delivery> = {}): Delivery {
  return {
    v: 1,
    deliveryId: '7f3f1c52-6a53-4f0e-9f55-0c6f5c1f4d10',
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'acme',
    eventId: 'evt_1',
    type: 'charge.succeeded',
    shape: 'event',
    occurredAt: '2026-03-01T12:00:00.000Z',
    receivedAt: '2026-03-01T12:00:01.000Z',
    livemode: true,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'key-0a1b2c',
    transmissionId: null,
    requestId: 'req-1',
    contentType: 'application/json',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
    ...fields,
  };
}

describe('a delivery through the queue', () => {
  test('comes out as it went in, whatever the bytes of its body', () => {
    fc.assert(
      fc.property(bytes, (body) => {
        const delivery = aDelivery(body);
        const arrived = parseDelivery(JSON.parse(JSON.stringify(delivery)));
        expect(arrived).toEqual(delivery);
        expect(decodeBody(arrived.body).equals(body)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    { what: 'text', body: Buffer.from('{"note":"Zoë 😀"}'), encoding: 'utf8' },
    { what: 'text behind a byte order mark', body: Buffer.from('\uFEFF{}'), encoding: 'utf8' },
    { what: 'nothing', body: Buffer.alloc(0), encoding: 'utf8' },
    { what: 'a NUL, which jsonb cannot hold', body: Buffer.from('a\0b'), encoding: 'base64' },
    { what: 'bytes that are not UTF-8', body: Buffer.from([0xff, 0xfe]), encoding: 'base64' },
    { what: 'half a surrogate pair', body: Buffer.from([0xed, 0xa0, 0x80]), encoding: 'base64' },
  ])('$what travels as $encoding', ({ body, encoding }) => {
    expect(encodeBody(body).encoding).toBe(encoding);
    expect(decodeBody(encodeBody(body)).equals(body)).toBe(true);
  });

  test('a body that was tampered with is refused', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        fc.pre(!one.equals(other));
        expect(() => parseDelivery({ ...aDelivery(one), body: encodeBody(other) })).toThrow(malformedDelivery);
      }),
    );
  });

  test.each<{ what: string; data: unknown }>([
    { what: 'of a version this one does not know', data: { ...aDelivery(), v: 2 } },
    { what: 'with a field this version does not know', data: { ...aDelivery(), amount: 1 } },
    {
      what: 'with a field this version does not know in its body',
      data: { ...aDelivery(), body: { ...aDelivery().body, compressed: true } },
    },
    { what: 'without an event id', data: { ...aDelivery(), eventId: '' } },
    { what: 'without a body', data: { ...aDelivery(), body: undefined } },
    { what: 'with another hash', data: aDelivery(undefined, { bodySha256: '0'.repeat(64) }) },
    { what: 'from no time', data: { ...aDelivery(), receivedAt: 'yesterday' } },
    { what: 'with a NUL in what it says of itself', data: aDelivery(undefined, { apiVersion: '2026\0' }) },
    { what: 'with a NUL in its request id', data: aDelivery(undefined, { requestId: '\0' }) },
    { what: 'that is nothing', data: null },
    { what: 'that is text', data: 'delivery' },
  ])('a delivery $what is refused as malformed_delivery', ({ data }) => {
    expect(() => parseDelivery(data)).toThrow(malformedDelivery);
  });

  test('anything else is refused as malformed_delivery too, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.anything(), (data) => {
        expect(() => parseDelivery(data)).toThrow(malformedDelivery);
      }),
    );
  });

  test('a refusal says which fields are wrong and repeats no value', () => {
    expect(() => parseDelivery({ ...aDelivery(), tier: 'secret-value', eventId: 7 })).toThrow(/eventId: .*tier: /);
    expect(() => parseDelivery({ ...aDelivery(), tier: 'secret-value' })).not.toThrow(/secret-value/);
  });
});

describe('the job id of an event', () => {
  const endpoint = fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/);
  const eventId = fc.oneof(
    fc.string({ minLength: 1, maxLength: 255 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 255 }),
    fc.stringMatching(/^[A-Za-z0-9_-]{1,200}$/),
    fc.stringMatching(/^\d{1,40}$/),
  );

  test('is one that BullMQ and a URL can hold: no colon, never all digits, at most 192 characters', () => {
    fc.assert(
      fc.property(endpoint, eventId, (name, id) => {
        for (const jobId of [
          jobIdOf({ endpoint: name, eventId: id }),
          contestedJobIdOf({ endpoint: name, eventId: id, bodySha256: sha256Hex(Buffer.from(id)) }),
        ]) {
          expect(jobId).toMatch(/^[A-Za-z0-9._-]+$/);
          expect(jobId).not.toMatch(/^\d+$/);
          expect(jobId.length).toBeLessThanOrEqual(63 + 1 + 128 + 17);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('is its own: two events, or two endpoints, never share one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(endpoint, eventId), {
          selector: ([name, id]) => `${name} ${id.toWellFormed()}`,
          minLength: 2,
          maxLength: 20,
        }),
        (events) => {
          const jobIds = events.map(([name, id]) => jobIdOf({ endpoint: name, eventId: id }));
          expect(new Set(jobIds).size).toBe(events.length);
        },
      ),
    );
  });

  test('can be read wherever the event id can stand in it', () => {
    expect(jobIdOf({ endpoint: 'stripe', eventId: 'evt_1PqR2sT3' })).toBe('stripe.evt_1PqR2sT3');
    expect(jobIdOf({ endpoint: 'paypal', eventId: 'WH-58D329510W468432D-8HN650336L201105X' })).toBe(
      'paypal.WH-58D329510W468432D-8HN650336L201105X',
    );
    expect(jobIdOf({ endpoint: 'stripe', eventId: '123' })).toBe('stripe.123');
    expect(jobIdOf({ endpoint: 'stripe', eventId: 'evt:1' })).toMatch(/^stripe\.[0-9a-f]{64}$/);
    expect(jobIdOf({ endpoint: 'stripe', eventId: 'e'.repeat(129) })).toMatch(/^stripe\.[0-9a-f]{64}$/);
    expect(jobIdOf({ endpoint: 'stripe', eventId: 'evt_1\n' })).toMatch(/^stripe\.[0-9a-f]{64}$/);
  });

  test('a second body under it has an id beside it, the same for the same body', () => {
    const first = contestedJobIdOf(aDelivery(Buffer.from('1')));
    expect(first).toMatch(/^stripe\.evt_1\.[0-9a-f]{16}$/);
    expect(contestedJobIdOf(aDelivery(Buffer.from('1')))).toBe(first);
    expect(contestedJobIdOf(aDelivery(Buffer.from('2')))).not.toBe(first);
  });
});

const malformedDelivery = expect.objectContaining({ name: 'PermanentError', code: 'malformed_delivery' });
