import { describe, expect, test } from 'vitest';
import { maskFields, maskPayload } from './mask-fields.ts';

describe('fields that are personal by their name', () => {
  test.for([
    {
      provider: 'Stripe',
      given: {
        id: 'ch_1',
        amount: 2000,
        billing_details: { name: 'Jane Doe', address: { line1: 'High Street 1', country: 'GB' }, phone: null },
        payment_method_details: { card: { last4: '4242', fingerprint: 'Xt5EWLLDS7FJjR1c', exp_year: 2034 } },
      },
      masked: {
        id: 'ch_1',
        amount: 2000,
        billing_details: { name: '[masked]', address: { line1: '[masked]', country: 'GB' }, phone: null },
        payment_method_details: { card: { last4: '4242', fingerprint: 'Xt5EWLLDS7FJjR1c', exp_year: 2034 } },
      },
    },
    {
      provider: 'PayPal',
      given: {
        payer: { payer_id: 'X5SUHVTMP7KWA', name: { given_name: 'Jane', surname: 'Doe' } },
        status: 'COMPLETED',
      },
      masked: {
        payer: { payer_id: 'X5SUHVTMP7KWA', name: { given_name: '[masked]', surname: '[masked]' } },
        status: 'COMPLETED',
      },
    },
    {
      provider: 'Adyen, whose names are flattened',
      given: {
        additionalData: {
          'billingAddress.street': 'Main',
          cardHolderName: 'J Doe',
          shopperIP: '10.0.0.1',
          cardSummary: '1111',
        },
      },
      masked: {
        additionalData: {
          'billingAddress.street': '[masked]',
          cardHolderName: '[masked]',
          shopperIP: '[masked]',
          cardSummary: '1111',
        },
      },
    },
    {
      provider: 'Shopify',
      given: {
        total_price: '10.00',
        customer: { id: 207, first_name: 'Bob', orders_count: 1, tags: ['vip'] },
        browser_ip: '::1',
      },
      masked: {
        total_price: '10.00',
        customer: { id: 207, first_name: '[masked]', orders_count: 1, tags: ['[masked]'] },
        browser_ip: '[masked]',
      },
    },
  ])('$provider', ({ given, masked }) => {
    expect(maskFields(given)).toEqual(masked);
  });

  test('a telephone number without a plus becomes a token where its field says what it is', () => {
    expect(maskFields({ phone: '4155552671', amount: '4155552671' })).toEqual({
      phone: expect.stringMatching(/^phone:[0-9a-f]{12}$/),
      amount: '4155552671',
    });
  });

  test('an error keeps name, message, code, stack and causes, and nothing that a driver attached', () => {
    const error = Object.assign(new TypeError('no', { cause: new Error('why') }), {
      code: '23505',
      detail: 'Jane Doe',
    });
    expect(JSON.stringify(maskFields({ error }))).not.toContain('Jane');
    expect(maskFields({ error })).toMatchObject({
      error: { type: 'TypeError', message: 'no', code: '23505', cause: { message: 'why' } },
    });
  });

  test('an error that is its own cause, and a structure without a bottom, end', () => {
    const error = new Error('round');
    error.cause = error;
    const deep: { self?: unknown } = {};
    deep.self = deep;
    expect(JSON.stringify(maskFields({ error, deep }))).toContain('[too deep]');
  });
});

test('a preview is parsed where it is JSON, and masked by name and by sight, field names and numbers included', () => {
  expect(maskPayload('{"receipt_email":"a@b.example","4242424242424242":4111111111111111,"name":"shown"}')).toEqual({
    receipt_email: expect.stringMatching(/^email:/),
    'card:…4242': 'card:…1111',
    name: 'shown',
  });
  expect(maskPayload('a=1&card=4242424242424242')).toBe('a=1&card=card:…4242');
});
