import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../failure.ts';
import { created, translate, intent, charge, refund, dispute } from './fixtures/events.ts';
import resources from './fixtures/resources.json' with { type: 'json' };
import { translateStripe } from './translate.ts';

describe('what is not told', () => {
  it.each(['customer.created', 'checkout.session.completed', 'made.up', '__proto__', 'constructor', ''])(
    'type %j states nothing, whatever its object',
    (type) => {
      expect(translate(type, 7)).toEqual([]);
      expect(translateStripe(Buffer.from(JSON.stringify({ type })))).toEqual([]);
    },
  );

  it('a v2 event carries no object and states nothing', () => {
    expect(
      translateStripe(
        Buffer.from(
          JSON.stringify({
            id: 'evt_1',
            object: 'v2.core.event',
            type: 'payout.paid',
            created: '2026-01-01T00:00:00Z',
          }),
        ),
      ),
    ).toEqual([]);
  });
});

describe('a malformed event', () => {
  it.each([
    ['payment_intent.created', intent({ amount: 'secret-value' }), 'data.object.amount'],
    ['payment_intent.created', intent({ currency: 'secret-value' }), 'data.object.currency'],
    ['charge.succeeded', resources.refund, 'data.object.object'],
    ['charge.dispute.updated', dispute({ status: 'secret-value' }), 'data.object.status'],
    ['refund.created', refund({ id: 'secret value' }), 'refund.id'],
    ['payout.paid', null, 'data.object'],
  ])('%s is refused by path, without its values', (type, object, path) => {
    const refused = () => translate(type, object);
    expect(refused).toThrow(
      expect.objectContaining({
        name: 'PermanentError',
        code: 'malformed_event',
        message: expect.stringContaining(path),
      }),
    );
    expect(refused).not.toThrow(/secret/);
  });

  it.each([Buffer.from('{"type": '), Buffer.from('[]'), Buffer.from('{}'), Buffer.from([0x7b, 0xff]), Buffer.alloc(0)])(
    '%s is refused',
    (body) => {
      expect(() => translateStripe(body)).toThrow(expect.objectContaining({ code: 'malformed_event' }));
    },
  );

  it('is the only thing ever thrown, whatever the JSON', () => {
    const types = [
      'payment_intent.succeeded',
      'payment_intent.canceled',
      'charge.refunded',
      'charge.updated',
      'refund.updated',
      'charge.dispute.closed',
      'payout.failed',
      '__proto__',
    ];
    const samples = fc.constantFrom<object>(
      intent(),
      charge({ captured: true, refunds: { data: [refund()] } }),
      refund(),
      dispute(),
      resources.payout,
    );
    const mutated = samples.chain((sample) =>
      fc
        .tuple(
          fc.constantFrom(...Object.keys(sample), 'captured', '__proto__'),
          fc.oneof(fc.jsonValue(), fc.integer(), fc.constant('jpy')),
        )
        .map(([key, value]) => Object.fromEntries([...Object.entries(sample), [key, value]])),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.oneof(fc.jsonValue(), mutated),
        fc.oneof(fc.constant(created), fc.jsonValue()),
        (type, object, time) => {
          onlyPermanentErrors(Buffer.from(JSON.stringify({ type, created: time, data: { object } })));
          onlyPermanentErrors(Buffer.from(JSON.stringify(object)));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function onlyPermanentErrors(body: Buffer): void {
  try {
    expect(Array.isArray(translateStripe(body))).toBe(true);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PermanentError);
  }
}
