import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import { conformsTo } from '../testing/conformance.ts';
import { body, delivery, otherSecret, privateKey, publicKey, secret, signedAt } from './fixtures/deliveries.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { standardWebhooks } from './provider.ts';
import { createStandardWebhooksVerifier } from './verify.ts';

for (const family of ['webhook', 'svix'] as const) {
  conformsTo({
    provider: standardWebhooks,
    tier: 'full',
    settingsWith: (secrets) => ({ secrets }),
    secret,
    otherSecret,
    body,
    sign: (given, options) => delivery({ body: given, secrets: [options.secret], signedAt: options.at, family }),
    signatureHeader: `${family}-signature`,
    encoding: 'base64',
    several: (values) => [values.join(' ')],
    many: null,
    eventIdAt: null,
    windowSeconds: 300,
    expected: {
      eventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      type: 'contact.created',
      occurredAt: new Date('2022-11-03T20:26:10.344Z'),
      providerAccount: null,
    },
  });
}

test.each(published.vectors)('the published signature of $src verifies', async (vector) => {
  const verify = createStandardWebhooksVerifier({ secrets: [vector.secret ?? vector.publicKey] });
  const request = {
    method: 'POST',
    headers: {
      'svix-id': [vector.id],
      'svix-timestamp': [String(vector.timestamp)],
      'svix-signature': [vector.signature],
    },
    query: '',
    body: Buffer.from(vector.body),
  };
  expect(await verify(request, new Date(vector.timestamp * 1000))).toMatchObject({
    kind: 'verified',
    keyId: keyNameOf(vector.secret ?? vector.publicKey ?? ''),
    events: [{ eventId: vector.id, type: 'unknown', occurredAt: null }],
  });
});

const verify = createStandardWebhooksVerifier({ secrets: [secret] });

describe('header families', () => {
  const other = delivery({ family: 'svix' }).headers;

  test.each(['webhook-id', 'webhook-timestamp'])('a %s that is missing is not taken from svix', async (name) => {
    const { headers, ...request } = delivery({});
    expect(await verify({ ...request, headers: { ...other, ...headers, [name]: undefined } }, signedAt)).toMatchObject({
      kind: 'rejected',
      code: 'signature_missing',
      reason: `the ${name} header is missing`,
    });
  });

  test('a webhook-signature that does not match is not made good by a svix-signature that does', async () => {
    const { headers, ...request } = delivery({ secrets: [otherSecret] });
    expect(await verify({ ...request, headers: { ...other, ...headers } }, signedAt)).toMatchObject({
      code: 'signature_mismatch',
    });
  });

  test.each([
    ['webhook-id', ['msg_1', 'msg_1']],
    ['webhook-id', ['msg 1']],
    ['webhook-id', ['m'.repeat(256)]],
    ['webhook-timestamp', ['1674087231', '1674087231']],
    ['webhook-timestamp', ['1674087231.5']],
    ['webhook-timestamp', ['-1674087231']],
    ['webhook-timestamp', [' 1674087231']],
    ['webhook-timestamp', ['1e9']],
  ])('%s of %j is malformed', async (name, values) => {
    const { headers, ...request } = delivery({});
    expect(await verify({ ...request, headers: { ...headers, [name]: values } }, signedAt)).toMatchObject({
      kind: 'rejected',
      code: 'signature_malformed',
    });
  });
});

describe('what is signed', () => {
  test.each([
    ['webhook-id', 'msg_other'],
    ['webhook-timestamp', String(signedAt.getTime() / 1000 + 1)],
  ])('another %s is refused', async (name, value) => {
    const { headers, ...request } = delivery({});
    expect(await verify({ ...request, headers: { ...headers, [name]: [value] } }, signedAt)).toMatchObject({
      kind: 'rejected',
      code: 'signature_mismatch',
    });
  });
});

describe('several signatures', () => {
  const withSignature = (signature: string) => {
    const { headers, ...request } = delivery({});
    return { ...request, headers: { ...headers, 'webhook-signature': [signature] } };
  };
  const [genuine = ''] = delivery({}).headers['webhook-signature'] ?? [];
  const [foreign = ''] = delivery({ secrets: [otherSecret] }).headers['webhook-signature'] ?? [];

  test('any one that matches is enough, among others and among versions not known', async () => {
    for (const signature of [`${foreign} ${genuine}`, `${genuine} ${foreign}`, `v2,abc= nonsense ${genuine}`]) {
      expect((await verify(withSignature(signature), signedAt)).kind, signature).toBe('verified');
    }
  });

  test('a genuine one under a version not known counts for nothing', async () => {
    for (const version of ['v0', 'v2', 'V1', 'v1b', '']) {
      expect(await verify(withSignature(genuine.replace('v1,', `${version},`)), signedAt)).toMatchObject({
        kind: 'rejected',
        code: 'signature_malformed',
      });
    }
  });

  test('sixteen are read, seventeen are not', async () => {
    expect((await verify(withSignature([...Array(15).fill(foreign), genuine].join(' ')), signedAt)).kind).toBe(
      'verified',
    );
    expect(await verify(withSignature([...Array(16).fill(foreign), genuine].join(' ')), signedAt)).toMatchObject({
      code: 'signature_malformed',
    });
  });
});

describe('ed25519', () => {
  const both = createStandardWebhooksVerifier({ secrets: [secret, { value: publicKey, name: 'public' }] });

  test('a v1a signature verifies under its public key, and the key id tells which', async () => {
    expect(await both(delivery({ secrets: [privateKey] }), signedAt)).toMatchObject({
      kind: 'verified',
      keyId: 'public',
      tier: 'full',
    });
    expect(await both(delivery({}), signedAt)).toMatchObject({ kind: 'verified', keyId: keyNameOf(secret) });
  });

  test('a v1a signature over another body is refused', async () => {
    const { headers } = delivery({ secrets: [privateKey] });
    expect(await both({ ...delivery({}), headers, body: Buffer.from('{}') }, signedAt)).toMatchObject({
      code: 'signature_mismatch',
    });
  });

  test('a v1 keyed with the bytes or the text of the public key is refused: it is no secret', async () => {
    for (const forged of [publicKey, publicKey.replace('whpk_', 'whsec_')]) {
      const request = delivery({ secrets: [forged] });
      expect(await both(request, signedAt)).toMatchObject({ code: 'signature_mismatch' });
    }
  });

  test('a public key past its notAfter verifies nothing', async () => {
    const retired = createStandardWebhooksVerifier({
      secrets: [secret, { value: publicKey, notAfter: '2022-01-01T00:00:00Z' }],
    });
    expect(await retired(delivery({ secrets: [privateKey] }), signedAt)).toMatchObject({ code: 'signature_mismatch' });
  });
});

describe('settings', () => {
  test('format raw keys the HMAC with the text of the secret', async () => {
    const raw = createStandardWebhooksVerifier({ secrets: ['polar_whs_0123456789'], format: 'raw' });
    expect((await raw(delivery({ secrets: ['polar_whs_0123456789'] }), signedAt)).kind).toBe('verified');
  });

  test.each([
    [['whsec_not+base64!'], 'secrets.0'],
    [['polar_whs_0123456789'], 'secrets.0'],
    [[secret, 'whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], 'secrets.1'],
  ])('%j is refused naming the place and not the value', (secrets, place) => {
    expect(() => createStandardWebhooksVerifier({ secrets })).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        problems: [expect.stringMatching(new RegExp(`^${place}: must be whsec_<base64>`))],
        message: expect.not.stringContaining(secrets.at(-1) ?? ''),
      }),
    );
  });

  test('an unknown format and a setting misspelt are refused', () => {
    expect(() => createStandardWebhooksVerifier({ secrets: [secret], format: 'hex' })).toThrow('format: must be');
    expect(() => createStandardWebhooksVerifier({ secrets: [secret], publicKey })).toThrow('publicKey');
  });
});

test('a type or timestamp that is not as recommended is not known, and the event still is', async () => {
  for (const odd of [{ type: 7, timestamp: 7 }, { type: 'a b', timestamp: 'yesterday' }, {}]) {
    const request = delivery({ body: Buffer.from(JSON.stringify(odd)) });
    expect(await verify(request, signedAt)).toMatchObject({
      kind: 'verified',
      events: [{ type: 'unknown', occurredAt: null }],
    });
  }
});
