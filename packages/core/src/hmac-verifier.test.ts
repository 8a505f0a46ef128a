import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeSignature, signatureInHeader, verifyHmac, verifyProven, type HmacScheme } from './hmac-verifier.ts';
import type { SignedRequest } from './signed-request.ts';
import type { EventsReading } from './verification.ts';

const receivedAt = new Date('2026-03-01T12:00:00Z');
const seconds = receivedAt.getTime() / 1_000;
const body = Buffer.from('{"id":"evt_1"}');
const secret = { value: 'the-secret', name: 'current', notBefore: null, notAfter: null };
const signature = createHmac('sha256', 'the-secret').update('first.').update(body).digest();

const scheme: HmacScheme = {
  tier: 'body',
  algorithm: 'sha256',
  readSignatures: signatureInHeader({ header: 'x-signature', prefix: 'v1=', encoding: 'hex', bytes: 32 }),
  signedParts: (request) => ['first.', request.body],
  window: null,
  readEvents: () => ({ kind: 'events', events: [] }),
};

function requestWith(...values: readonly string[]): SignedRequest {
  return { method: 'POST', headers: { 'x-signature': values }, query: '', body };
}

const genuine = requestWith(`v1=${signature.toString('hex')}`);

describe('a request that is signed', () => {
  test('is verified under the secret that signed it, and told by its name', () => {
    const secrets = [{ ...secret, value: 'another-secret', name: 'next' }, secret];
    expect(verifyHmac(scheme, { secrets, request: genuine, receivedAt })).toEqual({
      kind: 'verified',
      tier: 'body',
      keyId: 'current',
      transmissionId: null,
      events: [],
    });
  });

  test('is verified under the key that the secret stands for, where that is another', () => {
    const coded = { ...scheme, keyOf: (value: string) => Buffer.from(value, 'base64') };
    const secrets = [{ ...secret, value: Buffer.from('the-secret').toString('base64') }];
    expect(verifyHmac(coded, { secrets, request: genuine, receivedAt })).toMatchObject({ kind: 'verified' });
    expect(verifyHmac(coded, { secrets: [secret], request: genuine, receivedAt })).toMatchObject({ kind: 'rejected' });
  });

  test('is refused under no active secret', () => {
    const retired = { ...secret, notAfter: new Date(receivedAt.getTime() - 1) };
    for (const secrets of [[], [retired]])
      expect(verifyHmac(scheme, { secrets, request: genuine, receivedAt })).toEqual({
        kind: 'rejected',
        code: 'signature_mismatch',
        reason: 'no signature matches the request under any active secret',
      });
  });

  test('and is no event is malformed, with the key that signed it and why', () => {
    const reading: EventsReading = { kind: 'malformed', reason: 'no id' };
    const verification = verifyHmac(
      { ...scheme, readEvents: () => reading },
      { secrets: [secret], request: genuine, receivedAt },
    );
    expect(verification).toEqual({
      kind: 'malformed',
      tier: 'body',
      keyId: 'current',
      transmissionId: null,
      reason: 'no id',
    });
  });

  test('is not read before its signature matched', () => {
    const unread = {
      ...scheme,
      readEvents: () => {
        throw new Error('read');
      },
    };
    const request = requestWith(`v1=${'0'.repeat(64)}`);
    expect(verifyHmac(unread, { secrets: [secret], request, receivedAt })).toMatchObject({
      code: 'signature_mismatch',
    });
  });
});

describe('the window of a signed time', () => {
  const window = { toleranceSeconds: 60, secondsOf: Number };
  const at = (timestamp: string | null, judged: HmacScheme['window'] = window) =>
    verifyProven({ ...scheme, window: judged }, { request: genuine, receivedAt, timestamp, keyId: 'current' });

  test('holds its ends, both ways', () => {
    for (const time of [seconds - 60, seconds, seconds + 60])
      expect(at(String(time))).toMatchObject({ kind: 'verified' });
    for (const time of [seconds - 60.001, seconds + 60.001])
      expect(at(String(time))).toEqual({
        kind: 'rejected',
        code: 'signature_stale',
        reason: "the signature's time is outside the window of 60 seconds",
      });
  });

  test('does not hold what is no number', () => {
    expect(at('soon')).toMatchObject({ code: 'signature_stale' });
  });

  test('is not asked for where no time is signed', () => {
    expect(at(null)).toMatchObject({ kind: 'verified' });
    expect(at('0', null)).toMatchObject({ kind: 'verified' });
  });
});

describe('a signature alone in one header', () => {
  const read = signatureInHeader({ header: 'x-signature', prefix: 'v1=', encoding: 'hex', bytes: 32 });
  const hex = signature.toString('hex');

  test('is its bytes, and covers no time', () => {
    expect(read(genuine)).toEqual({ kind: 'signatures', signatures: [signature], timestamp: null });
  });

  test('without a prefix begins at once', () => {
    const bare = signatureInHeader({ header: 'x-signature', encoding: 'base64', bytes: 32 });
    expect(bare(requestWith(signature.toString('base64')))).toEqual({
      kind: 'signatures',
      signatures: [signature],
      timestamp: null,
    });
  });

  test.each([[[]], [['']]])('that is not there is missing: %j', (values) => {
    expect(read(requestWith(...values))).toEqual({ kind: 'missing', reason: 'the x-signature header is missing' });
  });

  test.each([[hex], [`v0=${hex}`], [`xv1=${hex}`], ['v1='], [`v1=${hex.slice(2)}`], [`v1=v1=${hex}`]])(
    'of another form is malformed, and what it should be is said: %s',
    (value) => {
      expect(read(requestWith(value))).toEqual({
        kind: 'malformed',
        reason: 'the x-signature header is not v1=<32 bytes in hex>',
      });
    },
  );

  test('sent twice is malformed', () => {
    expect(read(requestWith(`v1=${hex}`, `v1=${hex}`))).toEqual({
      kind: 'malformed',
      reason: 'the x-signature header was sent 2 times',
    });
  });
});

test('hex is all of its digits, in either case, and no more', () => {
  for (const text of ['00ff', '00FF', '00fF']) expect(decodeSignature(text, 'hex', 2)).toEqual(Buffer.from([0, 255]));
  for (const text of ['', '00f', '00ff0', '00ff00', '00', '0xff', '00fg', ' 00f', '00f '])
    expect(decodeSignature(text, 'hex', 2)).toBeNull();
});

test('base64 is written in one way alone', () => {
  expect(decodeSignature('+/8=', 'base64', 2)).toEqual(Buffer.from([0xfb, 0xff]));
  for (const text of ['', '-_8=', '+/8', '+/9=', '+/8=\n', '+/8==', '+/8A', '+w=='])
    expect(decodeSignature(text, 'base64', 2)).toBeNull();
});
