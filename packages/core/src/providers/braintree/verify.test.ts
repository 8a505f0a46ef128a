import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { withReason } from '../testing/with-reason.ts';
import { otherSecret, privateKey, publicKey, secret } from './fixtures/sdk.ts';
import { braintree } from './provider.ts';
import { signBraintreeForm, signBraintreePayload } from './sign.ts';
import { createBraintreeVerifier } from './verify.ts';

/*
 * The guarantees of the conformance suite, for a signature that stands in the
 * form it signs a part of: there, a body is changed in its payload.
 */
const now = new Date('2026-03-01T12:00:00Z');
const xml = Buffer.from(
  '<notification><timestamp type="datetime">2026-03-01T11:59:58Z</timestamp><kind>transaction_settled</kind><source-merchant-id>m_1</source-merchant-id><subject><transaction><id>t1</id></transaction></subject></notification>',
);

type Secrets = readonly (string | { readonly value: string; readonly notAfter: string })[];

function requestOf(body: Buffer | string): SignedRequest {
  return { method: 'POST', headers: {}, query: '', body: Buffer.from(body) };
}

function verify(body: Buffer | string, secrets: Secrets = [secret]) {
  return withReason(createBraintreeVerifier({ secrets })(requestOf(body), now), privateKey);
}

function formOf(fields: Readonly<Record<string, string>>): string {
  return new URLSearchParams(fields).toString();
}

/** A payload signed by the holder of the key, whatever it is. */
function signedPayload(payload: string, key: string = secret): string {
  return formOf({ bt_signature: signBraintreePayload({ payload, secret: key }), bt_payload: payload });
}

const genuine = signBraintreeForm({ xml, secret });
const payload = `${xml.toString('base64')}\n`;
const signature = signBraintreePayload({ payload, secret });
const mismatch = { kind: 'rejected', code: 'signature_mismatch' };
const malformedSignature = { kind: 'rejected', code: 'signature_malformed' };

describe('braintree conforms', () => {
  test('a form signed as the provider signs is verified and described', () => {
    expect(verify(genuine)).toEqual({
      kind: 'verified',
      tier: 'body',
      keyId: keyNameOf(secret),
      transmissionId: null,
      events: [
        {
          eventId: expect.stringMatching(/^[0-9a-f]{64}$/),
          type: 'transaction_settled',
          occurredAt: new Date('2026-03-01T11:59:58Z'),
          livemode: null,
          apiVersion: null,
          providerAccount: 'm_1',
        },
      ],
    });
  });

  test('no single flipped bit of the payload is accepted', () => {
    fc.assert(
      fc.property(fc.nat({ max: xml.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(xml);
        changed.writeUInt8(xml.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const bt_payload = `${changed.toString('base64')}\n`;
        expect(verify(formOf({ bt_signature: signature, bt_payload }))).toMatchObject(mismatch);
      }),
      { numRuns: 300 },
    );
  });

  test('no single flipped bit of the form makes another event of it', () => {
    const named = verify(genuine);
    fc.assert(
      fc.property(fc.nat({ max: genuine.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(genuine);
        changed.writeUInt8(genuine.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const verification = verify(changed);
        // A hex digit of the signature in the other case is the same signature.
        if (verification.kind !== 'rejected') expect(verification).toEqual(named);
      }),
      { numRuns: 500 },
    );
  });

  test('a wrong private key is refused, under our public key and under its own', () => {
    expect(verify(signBraintreeForm({ xml, secret: otherSecret }))).toMatchObject(mismatch);
    const forged = `${publicKey}|${otherSecret.split('|')[1] ?? ''}`;
    expect(verify(signBraintreeForm({ xml, secret: forged }))).toMatchObject(mismatch);
  });

  test('both key pairs of a rotation are accepted, and the key id tells which', () => {
    expect(verify(genuine, [secret, otherSecret])).toMatchObject({ kind: 'verified', keyId: keyNameOf(secret) });
    expect(verify(genuine, [otherSecret, secret])).toMatchObject({ kind: 'verified', keyId: keyNameOf(secret) });
  });

  test('an old key pair is accepted until its notAfter and not afterwards', () => {
    const until = (notAfter: string) => verify(genuine, [otherSecret, { value: secret, notAfter }]);
    expect(until('2026-03-01T12:00:00Z')).toMatchObject({ kind: 'verified' });
    expect(until('2026-03-01T11:59:59Z')).toMatchObject(mismatch);
  });

  test.each([
    ['not base64 of anything', '===='],
    ['not XML', Buffer.from('{"kind":"check"}').toString('base64')],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x3c]).toString('base64')],
    ['no notification', Buffer.from('<a/>').toString('base64')],
    ['nested without end', Buffer.from('<a>'.repeat(50_000)).toString('base64')],
    ['closed but nested too deep', Buffer.from(`${'<a>'.repeat(100)}${'</a>'.repeat(100)}`).toString('base64')],
    ['cut off', xml.subarray(0, 120).toString('base64')],
    ['without a kind', Buffer.from('<notification/>').toString('base64')],
  ])('a signed payload that is %s is malformed', (_what, odd) => {
    expect(verify(signedPayload(odd))).toMatchObject({ kind: 'malformed', keyId: keyNameOf(secret) });
  });

  test('a document type is refused before it is read, so that no entity is', () => {
    const bomb = `<!DOCTYPE n [<!ENTITY a "transaction_settled"><!ENTITY b "&a;&a;">]>${xml.toString().replace('transaction_settled', '&b;')}`;
    expect(verify(signBraintreeForm({ xml: Buffer.from(bomb), secret }))).toMatchObject({
      kind: 'malformed',
      reason: expect.stringContaining('document type'),
    });
  });

  test('names that would reach a prototype are malformed', () => {
    for (const name of ['__proto__', 'constructor']) {
      const reaching = xml.toString().replaceAll('transaction>', `${name}>`);
      expect(verify(signBraintreeForm({ xml: Buffer.from(reaching), secret })).kind).toBe('malformed');
    }
  });

  test('a notification nested too deep, or with bytes that are no text, is malformed', () => {
    const subject = '<transaction><id>t1</id></transaction>';
    const deep = xml.toString().replace(subject, `${'<a>'.repeat(30)}${'</a>'.repeat(30)}`);
    const [before = '', after = ''] = xml.toString().split('t1');
    const noText = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
    for (const odd of [Buffer.from(deep), noText])
      expect(verify(signBraintreeForm({ xml: odd, secret }))).toMatchObject({ kind: 'malformed' });
  });

  test('two kinds, or no time, are malformed', () => {
    const twice = xml.toString().replace('<kind>', '<kind>check</kind><kind>');
    const timeless = xml.toString().replace('2026-03-01T11:59:58Z', 'soon');
    for (const odd of [twice, timeless])
      expect(verify(signBraintreeForm({ xml: Buffer.from(odd), secret })).kind).toBe('malformed');
  });

  test('arbitrary signed payloads never throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { kind } = verify(signBraintreeForm({ xml: Buffer.from(`<a>${text}</a>`), secret }));
        expect(kind).toBe('malformed');
      }),
    );
  });

  test('translating arbitrary bytes gives facts or a permanent failure, never anything else', () => {
    const forms = fc.string({ unit: 'binary' }).map((text) => signBraintreeForm({ xml: Buffer.from(text), secret }));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), forms), (body) => {
        try {
          braintree.translate(Buffer.from(body));
        } catch (error) {
          expect(error).toMatchObject({ name: 'PermanentError' });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('wrong settings are one error that repeats no secret', () => {
    for (const settings of [{}, { secrets: [privateKey] }, { secrets: [`${secret}|x`] }, { secrets: ['a b|c'] }]) {
      expect(() => createBraintreeVerifier(settings)).toThrow(
        expect.objectContaining({ name: 'ConfigurationError', message: expect.not.stringContaining(privateKey) }),
      );
    }
  });
});

describe('the form', () => {
  test.each([
    ['empty', ''],
    ['JSON', '{"bt_signature":"x"}'],
    ['without a signature', formOf({ bt_payload: payload })],
    ['without a payload', formOf({ bt_signature: signature })],
  ])('%s is signature_missing', (_what, body) => {
    expect(verify(body)).toMatchObject({ kind: 'rejected', code: 'signature_missing' });
  });

  test.each([
    ['a repeated signature', `${genuine.toString()}&bt_signature=x`],
    ['a repeated payload', `${genuine.toString()}&bt_payload=x`],
    ['an oversized signature', formOf({ bt_signature: `${signature}&${'x'.repeat(5_000)}`, bt_payload: payload })],
    ['an oversized payload', formOf({ bt_signature: signature, bt_payload: 'A'.repeat(1_048_577) })],
    ['a signature without a public key', formOf({ bt_signature: signature.slice(17), bt_payload: payload })],
    ['our public key without a signature', formOf({ bt_signature: `${publicKey}&aaaa|bbbb`, bt_payload: payload })],
    ['a signature cut off', formOf({ bt_signature: signature.slice(0, -1), bt_payload: payload })],
    ['a signature with a third part', formOf({ bt_signature: `${signature}|x`, bt_payload: payload })],
    ['a payload that is not base64', formOf({ bt_signature: signature, bt_payload: '<xml/>' })],
  ])('with %s is signature_malformed', (_what, body) => {
    expect(verify(body)).toMatchObject(malformedSignature);
  });

  test('the pair of our public key is chosen among those of the merchant', () => {
    for (const others of [`aaaa|${'0'.repeat(40)}&${signature}&bbbb|nonsense`, `nonsense&${signature}&`])
      expect(verify(formOf({ bt_signature: others, bt_payload: payload }))).toMatchObject({ kind: 'verified' });
    expect(verify(formOf({ bt_signature: `aaaa|${'0'.repeat(40)}`, bt_payload: payload }))).toMatchObject(mismatch);
  });

  test('a payload that lost its last newline verifies; one that gained one does not', () => {
    expect(verify(formOf({ bt_signature: signature, bt_payload: payload.slice(0, -1) })).kind).toBe('verified');
    expect(verify(formOf({ bt_signature: signature, bt_payload: `${payload}\n` }))).toMatchObject(mismatch);
  });

  test.each([
    ['a field more', `${genuine.toString()}&anything=1`],
    ['its fields the other way round', formOf({ bt_payload: payload, bt_signature: signature })],
    ['a pair more', formOf({ bt_signature: `${signature}&aaaa|bbbb`, bt_payload: payload })],
    ['its last newline lost', formOf({ bt_signature: signature, bt_payload: payload.slice(0, -1) })],
  ])('sent again with %s is the same event, so that nothing is done twice', (_what, body) => {
    expect(verify(body)).toEqual(verify(genuine));
    expect(braintree.statesSameEvent(genuine, Buffer.from(body))).toBe(true);
  });

  test('forms of two payloads do not state the same event', () => {
    const other = signBraintreeForm({ xml: Buffer.from(xml.toString().replace('t1', 't2')), secret });
    expect(braintree.statesSameEvent(genuine, other)).toBe(false);
    expect(verify(other)).not.toEqual(verify(genuine));
  });
});
