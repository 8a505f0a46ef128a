import { hmacValidator as HmacValidator, Types } from '@adyen/api-library';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adyenNotification, signAdyenItem, signAdyenPlatformRequest } from './sign.ts';
import { otherSecret, requestOf, secret } from './testing.ts';
import { createAdyenVerifier } from './verify.ts';

const { NotificationRequestItem } = Types.notification;
type Item = Types.notification.NotificationRequestItem;

const official = new HmacValidator();
const verify = createAdyenVerifier({ secrets: [secret] });

const reference = fc.stringMatching(/^[A-Z0-9]{16}$/);

/** Items as the SDK types them, merchant references of any text, original reference present, empty or absent. */
const items: fc.Arbitrary<Item> = fc
  .record({
    pspReference: reference,
    originalReference: fc.option(fc.oneof(reference, fc.constant('')), { nil: undefined }),
    merchantReference: fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
    value: fc.nat(),
    currency: fc.constantFrom('EUR', 'USD', 'JPY'),
    eventCode: fc.constantFrom(...Object.values(NotificationRequestItem.EventCodeEnum)),
    success: fc.constantFrom(...Object.values(NotificationRequestItem.SuccessEnum)),
  })
  .map(({ originalReference, value, currency, ...item }) => ({
    ...item,
    ...(originalReference === undefined ? {} : { originalReference }),
    merchantAccountCode: 'TestMerchant',
    amount: { value, currency },
    eventDate: '2026-03-01T12:00:00+01:00',
  }));

test('what the official SDK signs verifies', async () => {
  await fc.assert(
    fc.asyncProperty(items, fc.boolean(), async (item, genuine) => {
      const hmacSignature = official.calculateHmac(item, genuine ? secret : otherSecret);
      const body = adyenNotification([{ ...item, additionalData: { hmacSignature } }], { live: false });
      expect((await verify(requestOf(body), new Date())).kind).toBe(genuine ? 'verified' : 'rejected');
    }),
  );
});

test('what we sign the official SDK accepts', () => {
  fc.assert(
    fc.property(items, fc.boolean(), (item, genuine) => {
      const { additionalData } = signAdyenItem({ item: { ...item }, secret: genuine ? secret : otherSecret });
      const hmacSignature = new Map(Object.entries(Object(additionalData))).get('hmacSignature');
      const signed = { ...item, additionalData: { hmacSignature: String(hmacSignature) } };
      expect(official.validateHMAC(signed, secret)).toBe(genuine);
    }),
  );
});

test('platform webhooks verify both ways', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.boolean(), async (text, genuine) => {
      const body = Buffer.from(`{"type":"a.b","data":{"x":${text}}}`);
      const key = genuine ? secret : otherSecret;
      const { hmacsignature = '' } = signAdyenPlatformRequest({ body, secret: key });
      expect(official.validateHMACSignature(secret, hmacsignature, body.toString())).toBe(genuine);
      const signature = official.calculateHmacSignature(body.toString(), key);
      const request = requestOf(body, { hmacsignature: [signature] });
      expect((await verify(request, new Date())).kind).toBe(genuine ? 'verified' : 'rejected');
    }),
  );
});

test('unlike the official SDK, a signature with text around it is refused', async () => {
  const item = fc.sample(items, { numRuns: 1, seed: 1 })[0];
  if (item === undefined) throw new Error('no sample');
  const hmacSignature = `${official.calculateHmac(item, secret)}\n`;
  const signed = { ...item, additionalData: { hmacSignature } };
  expect(official.validateHMAC(signed, secret)).toBe(true);
  const body = adyenNotification([signed], { live: false });
  expect(await verify(requestOf(body), new Date())).toMatchObject({ kind: 'rejected', code: 'signature_malformed' });
});

test('unlike the official SDK, a key that is not hexadecimal is refused instead of being read as no key', () => {
  const item = fc.sample(items, { numRuns: 1, seed: 1 })[0];
  if (item === undefined) throw new Error('no sample');
  const wrong = 'zz-not-a-key-zz-not-a-key-zz-not-a-key';
  expect(official.calculateHmac(item, wrong)).toBe(official.calculateHmac(item, ''));
  expect(() => createAdyenVerifier({ secrets: [wrong] })).toThrow();
});
