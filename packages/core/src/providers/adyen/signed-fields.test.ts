import { expect, test } from 'vitest';
import { readProvenFields, readSignedItem, signedStrings, type SignedFields } from './signed-fields.ts';

const fields: SignedFields = {
  pspReference: 'PSP1',
  originalReference: '',
  merchantAccountCode: 'Shop',
  merchantReference: 'order 1',
  value: '1000',
  currency: 'EUR',
  eventCode: 'CAPTURE',
  success: 'true',
};

test('a field that is absent and one that is null are signed as empty, numbers and booleans as JSON writes them', () => {
  const item = {
    pspReference: 'PSP1',
    originalReference: null,
    amount: { value: 1000, currency: null },
    success: true,
  };
  expect(readSignedItem(item)).toEqual({
    fields: {
      pspReference: 'PSP1',
      originalReference: '',
      merchantAccountCode: '',
      merchantReference: '',
      value: '1000',
      currency: '',
      eventCode: '',
      success: 'true',
    },
    signature: null,
  });
});

test('there is a second string to be signed only where a field holds what it would escape', () => {
  expect(signedStrings(fields)).toEqual(['PSP1::Shop:order 1:1000:EUR:CAPTURE:true']);
  expect(signedStrings({ ...fields, merchantReference: String.raw`a:b\c` })).toEqual([
    String.raw`PSP1::Shop:a:b\c:1000:EUR:CAPTURE:true`,
    String.raw`PSP1::Shop:a\:b\\c:1000:EUR:CAPTURE:true`,
  ]);
});

test('what is acted upon is proven without the reference of the merchant, who may write anything there', () => {
  const { merchantReference: _, ...proven } = fields;
  expect(readProvenFields({ ...fields, merchantReference: 'a:b' })).toEqual({ kind: 'proven', fields: proven });
});

test('of fields in another form the names are told, and never the values', () => {
  expect(readProvenFields({ ...fields, currency: 'eur', success: 'yes' })).toEqual({
    kind: 'malformed',
    reason: 'an item is not of the documented form at currency, success',
  });
});
