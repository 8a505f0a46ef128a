import { expect, test } from 'vitest';
import { schemes } from './fixtures/schemes.ts';
import { createGenericHmacVerifier } from './verify.ts';

const stripe = { ...schemes.stripe, secrets: ['whsec_1'] };
const signedId = { ...schemes.signedId, secrets: ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] };

test.each([
  [{ ...stripe, signed: '{timestamp}.' }, 'signed: must hold {body} exactly once'],
  [{ ...stripe, signed: '{timestamp}.{body}{body}' }, 'signed: must hold {body} exactly once'],
  [{ ...stripe, signed: '{body}' }, 'signed: must hold {timestamp} exactly once'],
  [{ ...stripe, timestamp: undefined }, 'signed: holds {timestamp}, so `timestamp` must say'],
  [{ ...stripe, signed: '{time}.{body}' }, 'signed: may hold {timestamp}, {body} and {id}, and no other braces'],
  [{ ...stripe, signed: '{timestamp}.{body}}' }, 'no other braces'],
  [{ ...stripe, signed: '{id}.{timestamp}.{body}' }, '`event.id` must name a header'],
  [{ ...signedId, signed: '{id}.{id}.{timestamp}.{body}' }, 'may hold {id} once'],
  [{ ...signedId, signed: '{id}{timestamp}.{body}' }, 'must separate {id} and {timestamp}'],
  [{ ...signedId, signed: '{timestamp}0{id}.{body}' }, 'must separate {id} and {timestamp}'],
  [{ ...signedId, secrets: ['not/base64!'] }, 'secrets.0: must be base64, as secretEncoding says'],
  [{ ...stripe, secretEncoding: 'hex' }, 'secrets.0: must be hex, as secretEncoding says'],
  [{ ...stripe, signature: { ...stripe.signature, separator: undefined } }, 'signature.separator: must be set'],
  [{ ...stripe, signature: { ...stripe.signature, prefix: '' } }, 'signature.prefix: must tell'],
  [{ ...stripe, signature: { ...stripe.signature, prefix: 't=v1=' } }, 'signature.prefix: must tell'],
  [
    { ...stripe, signature: { ...stripe.signature, header: 'Stripe Signature' } },
    'signature.header: must be a header name',
  ],
  [{ ...stripe, signature: { ...stripe.signature, encoding: 'base32' } }, 'signature.encoding: must be hex or base64'],
  [{ ...stripe, algorithm: 'md5' }, 'algorithm: must be sha256, sha512 or sha1'],
  [{ ...stripe, timestamp: { element: 't=', unit: 'minutes' } }, 'timestamp: must be { header, unit'],
  [{ ...stripe, event: { id: { path: 'data..id' } } }, 'event.id.path: must be a path'],
  [{ ...stripe, event: { occurredAt: { path: 'created', format: 'rfc2822' } } }, 'event.occurredAt.format: must be'],
  [{ ...stripe, tolerance: 5 }, 'tolerance'],
])('settings %# are refused: %j', (settings, problem) => {
  expect(() => createGenericHmacVerifier(settings)).toThrow(
    expect.objectContaining({ name: 'ConfigurationError', message: expect.stringContaining(problem) }),
  );
});

test.each(Object.entries(schemes))('the scheme of %s is accepted', (_name, scheme) => {
  expect(() => createGenericHmacVerifier({ ...scheme, secrets: ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] })).not.toThrow();
});

test('every problem is named at once', () => {
  const wrong = { ...signedId, signed: '{id}{timestamp}', secrets: ['not/base64!'] };
  expect(() => createGenericHmacVerifier(wrong)).toThrow(
    expect.objectContaining({ problems: [expect.any(String), expect.any(String), expect.any(String)] }),
  );
});
