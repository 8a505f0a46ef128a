import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import type { VerifiedEvent, Verification } from '../../verification.ts';
import { conformsTo } from '../testing/conformance.ts';
import { withReason } from '../testing/with-reason.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { adyen } from './provider.ts';
import { adyenNotification, signAdyenItem, signAdyenPlatformRequest } from './sign.ts';
import { authorisation, otherSecret, requestOf, secret, signedRequest } from './testing.ts';
import { ADYEN_ITEMS_MAX, createAdyenVerifier } from './verify.ts';

describe('standard notifications', () => {
  conformsTo({
    provider: adyen,
    tier: 'partial',
    covers: 'fields',
    settingsWith: (secrets) => ({ secrets }),
    secret,
    otherSecret,
    body: adyenNotification([authorisation], { live: false }),
    sign: (body, { secret: key }) => (isNotification(body) ? signedRequest([authorisation], key) : requestOf(body)),
    signatureHeader: null,
    encoding: null,
    several: null,
    many: null,
    eventIdAt: null,
    windowSeconds: null,
    expected: {
      eventId: expect.stringMatching(/^7914073381342284-AUTHORISATION-true-[0-9a-f]{16}$/),
      type: 'AUTHORISATION',
      occurredAt: new Date('2026-03-01T11:59:58Z'),
      providerAccount: 'TestMerchant',
    },
  });
});

describe('platform webhooks', () => {
  conformsTo({
    provider: adyen,
    tier: 'body',
    settingsWith: (secrets) => ({ secrets }),
    secret,
    otherSecret,
    body: Buffer.from(
      '{"data":{"balancePlatform":"YourPlatform","id":"1W1UG35U8A9J5ZLG","status":"authorised"},"environment":"test","timestamp":"2026-03-01T12:59:58+01:00","type":"balancePlatform.transfer.created"}',
    ),
    sign: (body, { secret: key }) => {
      const { hmacsignature = '' } = signAdyenPlatformRequest({ body, secret: key });
      return requestOf(body, { hmacsignature: [hmacsignature] });
    },
    signatureHeader: 'hmacsignature',
    elsewhereInBody: true,
    encoding: 'base64',
    several: null,
    many: null,
    eventIdAt: null,
    windowSeconds: null,
    expected: {
      eventId: null,
      type: 'balancePlatform.transfer.created',
      occurredAt: new Date('2026-03-01T11:59:58Z'),
      providerAccount: 'YourPlatform',
    },
  });
});

test.each(published.vectors)('the published signature of $src verifies', async (vector) => {
  const [psp, original, account, reference, value, currency, eventCode, success] = vector.signed.split(':');
  const item = {
    pspReference: psp,
    originalReference: original,
    merchantAccountCode: account,
    merchantReference: reference,
    amount: { value: Number(value), currency },
    eventCode,
    success,
    additionalData: { hmacSignature: vector.signature },
  };
  const verification = await createAdyenVerifier({ secrets: [vector.hmacKeyHex] })(
    requestOf(adyenNotification([item], { live: true })),
    new Date(),
  );
  expect(verification).toMatchObject({ kind: 'verified', events: [{ type: eventCode, livemode: true }] });
});

test.each([
  ['pspReference', '7914073381342285'],
  ['originalReference', '7914073381342284'],
  ['merchantAccountCode', 'OtherMerchant'],
  ['merchantReference', 'TestPayment-1407325143705'],
  ['amount', { value: 113, currency: 'EUR' }],
  ['amount', { value: 1130, currency: 'USD' }],
  ['eventCode', 'CAPTURE'],
  ['success', 'false'],
])('the signed field %s cannot be changed', async (field, value) => {
  const forged = { ...signAdyenItem({ item: authorisation, secret }), [field]: value };
  expect(await verifyItems([forged])).toMatchObject({ kind: 'rejected', code: 'signature_mismatch' });
});

test('what is not signed can be changed, and changes neither the event nor what is acted upon', async () => {
  const genuine = signAdyenItem({ item: authorisation, secret });
  const changed = { ...genuine, eventDate: '1999-01-01T00:00:00Z', reason: 'x', paymentMethod: 'amex', more: true };
  const [one, other] = [await eventsOf([genuine]), await eventsOf([changed])];
  expect(other[0]?.eventId).toBe(one[0]?.eventId);
  const [stored, received] = [one[0]?.body ?? Buffer.alloc(0), other[0]?.body ?? Buffer.alloc(0)];
  expect(adyen.statesSameEvent(stored, received)).toBe(true);
  const shown = { occurredAtMs: expect.any(Number) };
  expect(adyen.translate(received)).toEqual(adyen.translate(stored).map((fact) => ({ ...fact, ...shown })));
});

test('another statement is another event, and never the same', async () => {
  const [genuine] = await eventsOf([signAdyenItem({ item: authorisation, secret })]);
  for (const other of [
    { pspReference: 'PSP1' },
    { originalReference: 'PSP1' },
    { merchantAccountCode: 'OtherMerchant' },
    { merchantReference: 'other' },
    { amount: { value: 1131, currency: 'EUR' } },
    { amount: { value: 1130, currency: 'USD' } },
    { eventCode: 'CAPTURE' },
    { success: 'false' },
  ]) {
    const [event] = await eventsOf([signAdyenItem({ item: { ...authorisation, ...other }, secret })]);
    expect(event?.eventId).toMatch(/^[A-Z0-9]+-[A-Z]+-(?:true|false)-[0-9a-f]{16}$/);
    expect(event?.eventId).not.toBe(genuine?.eventId);
    expect(adyen.statesSameEvent(genuine?.body ?? Buffer.alloc(0), event?.body ?? Buffer.alloc(0))).toBe(false);
  }
  expect(adyen.statesSameEvent(Buffer.from('nonsense'), Buffer.from('other nonsense'))).toBe(false);
});

test('one forged or unsigned item refuses the whole notification', async () => {
  const genuine = signAdyenItem({ item: authorisation, secret });
  const forged = { ...genuine, success: 'false' };
  for (const items of [
    [genuine, forged],
    [forged, genuine],
  ]) {
    expect(await verifyItems(items)).toMatchObject({ kind: 'rejected', code: 'signature_mismatch' });
  }
  for (const unsigned of [authorisation, { ...authorisation, additionalData: { hmacSignature: '' } }, null, 'text']) {
    expect(await verifyItems([genuine, unsigned])).toMatchObject({ kind: 'rejected', code: 'signature_missing' });
  }
  expect(await verifyItems([])).toMatchObject({ kind: 'rejected', code: 'signature_missing' });
});

test.each(['nonsense', 'AAAA', `${signatureOf(authorisation)} `, signatureOf(authorisation).slice(0, -1)])(
  'a signature that is not 32 bytes of base64 is signature_malformed: %j',
  async (hmacSignature) => {
    const item = { ...authorisation, additionalData: { hmacSignature } };
    expect(await verifyItems([item])).toMatchObject({ kind: 'rejected', code: 'signature_malformed' });
  },
);

test('no single changed character of a signature is accepted', async () => {
  const signature = signatureOf(authorisation);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: signature.length - 1 }), fc.constantFrom('0', 'a', 'Z', '+'), async (at, other) => {
      fc.pre(signature[at] !== other);
      const hmacSignature = `${signature.slice(0, at)}${other}${signature.slice(at + 1)}`;
      const item = { ...authorisation, additionalData: { hmacSignature } };
      expect((await verifyItems([item])).kind).toBe('rejected');
    }),
  );
});

test('the items of one notification may be signed with the two keys of a rotation', async () => {
  const items = [secret, otherSecret].map((key) => signAdyenItem({ item: authorisation, secret: key }));
  const verify = createAdyenVerifier({ secrets: [otherSecret, secret] });
  expect(await verify(requestOf(adyenNotification(items, { live: true })), new Date())).toMatchObject({
    kind: 'verified',
    keyId: `${keyNameOf(secret)}+${keyNameOf(otherSecret)}`,
  });
});

test.each([
  String.raw`7914073381342284::TestMerchant:order:12\3:1130:EUR:AUTHORISATION:true`,
  String.raw`7914073381342284::TestMerchant:order\:12\\3:1130:EUR:AUTHORISATION:true`,
])('a field with a colon or a backslash verifies whichever way it was escaped: %s', async (string) => {
  const hmacSignature = createHmac('sha256', Buffer.from(secret, 'hex')).update(string).digest('base64');
  const item = { ...authorisation, merchantReference: String.raw`order:12\3`, additionalData: { hmacSignature } };
  expect(await verifyItems([item])).toMatchObject({ kind: 'verified' });
});

test('a genuine signature with the boundaries of its fields moved is never an event', async () => {
  const item = { ...authorisation, merchantReference: 'a:500:USD:b' };
  const hmacSignature = signatureOf(item);
  const parts = `7914073381342284::TestMerchant:a:500:USD:b:1130:EUR:AUTHORISATION:true`.split(':');
  const others = waysToJoin(parts, 8).filter((fields) => fields[3] !== item.merchantReference);
  expect(others.length).toBeGreaterThan(100);
  for (const [psp, original, account, reference, value, currency, eventCode, success] of others) {
    const moved = {
      pspReference: psp,
      originalReference: original,
      merchantAccountCode: account,
      merchantReference: reference,
      amount: { value, currency },
      eventCode,
      success,
      additionalData: { hmacSignature },
    };
    expect((await verifyItems([moved])).kind).toBe('malformed');
  }
});

test('more items than any notification has are refused unread', async () => {
  const items = Array.from({ length: ADYEN_ITEMS_MAX + 1 }, () => signAdyenItem({ item: authorisation, secret }));
  expect(await verifyItems(items.slice(1))).toMatchObject({ kind: 'verified' });
  expect(await verifyItems(items)).toMatchObject({ kind: 'rejected', code: 'signature_malformed' });
});

test.each(['not-hexadecimal-but-long-enough-to-be-a-key', `${secret}0`, 'abcdef'])(
  'a key that is not hexadecimal is refused at start, even beside one that is: %s',
  (key) => {
    for (const secrets of [[key], [secret, key], [key, secret]])
      expect(() => createAdyenVerifier({ secrets })).toThrow(
        expect.objectContaining({ name: 'ConfigurationError', message: expect.not.stringContaining(key) }),
      );
  },
);

async function verifyItems(items: readonly unknown[]): Promise<Verification> {
  const request = requestOf(adyenNotification(items, { live: false }));
  return withReason(await createAdyenVerifier({ secrets: [secret] })(request, new Date()), secret);
}

async function eventsOf(items: readonly unknown[]): Promise<readonly VerifiedEvent[]> {
  const verification = await verifyItems(items);
  return verification.kind === 'verified' ? verification.events : [];
}

function signatureOf(item: Readonly<Record<string, unknown>>): string {
  const { additionalData } = signAdyenItem({ item, secret });
  return JSON.stringify(additionalData).match(/"hmacSignature":"([^"]+)"/)?.[1] ?? '';
}

function isNotification(body: SignedRequest['body']): boolean {
  return body.includes('notificationItems');
}

/** Every way to join neighbours with `:` until `count` are left. */
function waysToJoin(parts: readonly string[], count: number): string[][] {
  const [first, ...rest] = parts;
  if (first === undefined) return count === 0 ? [[]] : [];
  if (count === 1) return [[parts.join(':')]];
  return parts.flatMap((_part, end) =>
    waysToJoin(rest.slice(end), count - 1).map((ways) => [parts.slice(0, end + 1).join(':'), ...ways]),
  );
}
