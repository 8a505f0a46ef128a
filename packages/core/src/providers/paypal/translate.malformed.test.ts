import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../failure.ts';
import {
  authorization,
  capture,
  dispute,
  event,
  payoutItem,
  refund,
  sale,
  times,
  usd,
} from './fixtures/translate-resources.ts';
import { translatePayPal } from './translate.ts';

const translate = (type: string, resource: unknown) => translatePayPal(event(type, resource));

describe('what is not told', () => {
  it.each(['BILLING.SUBSCRIPTION.CREATED', 'PAYMENT.PAYOUTSBATCH.SUCCESS', 'MADE.UP', '__proto__', 'constructor', ''])(
    'type %j states nothing, whatever its resource',
    (type) => {
      expect(translate(type, 7)).toEqual([]);
      expect(translatePayPal(Buffer.from(JSON.stringify({ event_type: type })))).toEqual([]);
    },
  );
});

describe('a malformed event', () => {
  it.each([
    ['PAYMENT.CAPTURE.COMPLETED', capture({ amount: { value: 'secret' } }), 'malformed_event', 'resource.amount'],
    ['PAYMENT.CAPTURE.COMPLETED', capture({ amount: usd('secret') }), 'malformed_amount', 'not a plain decimal'],
    ['PAYMENT.CAPTURE.COMPLETED', capture({ amount: usd('-5.00') }), 'malformed_event', 'payment.captured.amount'],
    ['PAYMENT.CAPTURE.COMPLETED', capture({ id: 'secret id' }), 'malformed_event', 'payment.references.0'],
    ['PAYMENT.CAPTURE.COMPLETED', capture({ update_time: 'secret' }), 'malformed_event', 'no time'],
    ['PAYMENT.CAPTURE.REFUNDED', refund({ status: 'SECRET' }), 'malformed_event', 'the status of the refund'],
    ['CHECKOUT.ORDER.APPROVED', times, 'malformed_event', 'resource.id'],
    [
      'CUSTOMER.DISPUTE.RESOLVED',
      dispute({ status: 'RESOLVED', dispute_outcome: { outcome_code: 'SECRET' } }),
      'malformed_event',
      'outcome_code',
    ],
  ])('%s is refused by path, without its values', (type, resource, code, path) => {
    const refused = () => translate(type, resource);
    expect(refused).toThrow(
      expect.objectContaining({ name: 'PermanentError', code, message: expect.stringContaining(path) }),
    );
    expect(refused).not.toThrow(/secret/i);
  });

  it('is the only thing ever thrown, whatever the JSON', () => {
    const types = [
      'PAYMENT.CAPTURE.COMPLETED',
      'PAYMENT.CAPTURE.REFUNDED',
      'PAYMENT.SALE.REVERSED',
      'PAYMENT.AUTHORIZATION.CREATED',
      'CHECKOUT.ORDER.COMPLETED',
      'CUSTOMER.DISPUTE.RESOLVED',
      'PAYMENT.PAYOUTS-ITEM.HELD',
      '__proto__',
    ];
    const samples = fc.constantFrom<object>(
      capture(),
      refund(),
      sale(),
      authorization(),
      { id: 'ORD1', ...times, purchase_units: [{ amount: usd('1') }] },
      dispute(),
      payoutItem,
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string(),
      fc.record({
        value: fc.oneof(fc.string(), fc.constantFrom('1.5', '-3')),
        currency_code: fc.oneof(fc.string(), fc.constant('usd')),
      }),
    );
    const mutated = samples.chain((sample) =>
      fc
        .tuple(fc.constantFrom(...Object.keys(sample), '__proto__'), value)
        .map(([key, said]) => Object.fromEntries([...Object.entries(sample), [key, said]])),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.oneof(fc.jsonValue(), mutated),
        fc.oneof(fc.constant(times.create_time), fc.jsonValue()),
        (event_type, resource, create_time) => {
          onlyPermanentErrors(Buffer.from(JSON.stringify({ event_type, create_time, resource })));
          onlyPermanentErrors(Buffer.from(JSON.stringify(resource)));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function onlyPermanentErrors(body: Buffer): void {
  try {
    expect(Array.isArray(translatePayPal(body))).toBe(true);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PermanentError);
  }
}
