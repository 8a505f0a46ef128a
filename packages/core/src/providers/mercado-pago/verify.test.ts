import fc from 'fast-check';
import { WebhookSignatureValidator } from 'mercadopago';
import { describe, expect, test } from 'vitest';
import type { Verifier } from '../../provider.ts';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { withReason } from '../testing/with-reason.ts';
import { signMercadoPagoRequest } from './sign.ts';
import { createMercadoPagoVerifier } from './verify.ts';

// The body is not signed, so the shared conformance suite does not fit; its
// cases for headers, secrets and times are made here.
const secret = 'secret-signature-of-the-application-1';
const otherSecret = 'secret-signature-of-the-application-2';
const now = new Date('2026-03-01T12:00:00Z');
const dataId = '1320894723';
const requestId = 'bb56a2f1-6aae-46ac-982e-9dcd3581d08e';
const verify: Verifier = async (given, at) =>
  withReason(await createMercadoPagoVerifier({ secrets: [secret] })(given, at), secret);

describe('a genuine notification', () => {
  test('is verified and named by what is signed', async () => {
    expect(await verify(request(), now)).toEqual({
      kind: 'verified',
      tier: 'partial',
      keyId: keyNameOf(secret),
      transmissionId: null,
      events: [
        {
          eventId: `payment.${dataId}.${requestId}`,
          type: 'payment',
          occurredAt: now,
          livemode: null,
          apiVersion: null,
          providerAccount: null,
        },
      ],
    });
  });

  test('with an id of letters is verified whether it was signed as it is or in lower case', async () => {
    for (const signed of ['ORD01JQ4S4', 'ord01jq4s4']) {
      const given = request({ dataId: signed, query: 'data.id=ORD01JQ4S4&type=order' });
      expect(await verify(given, now)).toMatchObject({ kind: 'verified' });
    }
  });

  test('with a time in milliseconds is verified', async () => {
    const ts = '1742505638683';
    const { headers } = request();
    const signature = signedHeader(ts);
    expect(
      await verify({ ...request(), headers: { ...headers, 'x-signature': [signature] } }, new Date(Number(ts))),
    ).toMatchObject({ kind: 'verified', events: [{ occurredAt: new Date(Number(ts)) }] });
  });

  test.each([
    ['an id in the URL', { dataId: null, query: 'type=payment' }, `payment..${requestId}`],
    ['a request id', { requestId: null }, `payment.${dataId}.${now.getTime() / 1_000}`],
    ['either', { dataId: null, requestId: null, query: '' }, `unknown..${now.getTime() / 1_000}`],
  ])('without %s is signed without it, and named by what is left', async (_what, given, eventId) => {
    expect(await verify(request(given), now)).toMatchObject({ kind: 'verified', events: [{ eventId }] });
  });

  test('with more in its header, as the SDK allows, is verified', async () => {
    const [ts, v1] = request().headers['x-signature']?.[0]?.split(',') ?? [];
    for (const value of [` ${ts} , ${v1} `, `${v1},${ts}`, `v0=1,${ts},${v1},v2=2`, `xts=1,${ts},xv1=2,${v1}`])
      expect(await verify(withHeader('x-signature', [value]), now)).toMatchObject({ kind: 'verified' });
  });

  test('has a time in milliseconds from 1973 on, which is beyond every second until 5138', async () => {
    for (const [ts, ms] of [
      ['100000000000', 100_000_000_000],
      ['99999999999', 99_999_999_999_000],
    ] as const)
      expect(await verify(withHeader('x-signature', [signedHeader(ts)]), new Date(ms))).toMatchObject({
        kind: 'verified',
        events: [{ occurredAt: new Date(ms) }],
      });
  });

  test('under another type is another event, so that none is taken for a repetition of it', async () => {
    const retyped = await verify(request({ query: `data.id=${dataId}&type=plan` }), now);
    expect(retyped).toMatchObject({ kind: 'verified', events: [{ eventId: `plan.${dataId}.${requestId}` }] });
  });
});

describe('what is signed', () => {
  test.each([
    ['another id', request({ query: 'data.id=1320894724&type=payment' })],
    ['no id', request({ query: 'type=payment' })],
    ['another request id', withHeader('x-request-id', ['another'])],
    ['no request id', withHeader('x-request-id', undefined)],
    ['another secret', request({ secret: otherSecret })],
  ])('%s is a mismatch', async (_what, given) => {
    expect(await verify(given, now)).toMatchObject({ kind: 'rejected', code: 'signature_mismatch' });
  });

  test('no single changed character of the signature is accepted', async () => {
    const value = request().headers['x-signature']?.[0] ?? '';
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: value.length - 1 }), fc.constantFrom('0', 'a', 'Z', ','), async (at, other) => {
        fc.pre(value[at]?.toLowerCase() !== other.toLowerCase());
        const changed = `${value.slice(0, at)}${other}${value.slice(at + 1)}`;
        expect((await verify(withHeader('x-signature', [changed]), now)).kind).toBe('rejected');
      }),
      { numRuns: 300 },
    );
  });

  test('missing, repeated, oversized or malformed is refused as such', async () => {
    const value = request().headers['x-signature']?.[0] ?? '';
    for (const values of [undefined, [], ['']])
      expect(await verify(withHeader('x-signature', values), now)).toMatchObject({ code: 'signature_missing' });
    for (const values of [
      [value, value],
      ['x'.repeat(5_000)],
      ['ts=1'],
      ['v1=00'],
      [`${value},${value}`],
      [`${value},ts=1`],
      [`${value},v1=00`],
      ['ts=x,v1=00'],
      [`${value}=`],
      [value.replace(/ts=\d+,/, '')],
      [value.replace(/ts=\d+,/, 'ts=,')],
      [value.replace('ts=', 'ts=x')],
      [value.replace(',', 'x,')],
      [value.replace('ts=', 'ts=000000')],
    ])
      expect(await verify(withHeader('x-signature', values), now), `${values}`.slice(0, 99)).toMatchObject({
        code: 'signature_malformed',
      });
    for (const values of [['a', 'a'], ['two words'], ['a/b'], ['x'.repeat(129)], ['-;ts:1']])
      expect(await verify(withHeader('x-request-id', values), now)).toMatchObject({ code: 'signature_malformed' });
    for (const query of [
      'data.id=1&data.id=2&type=payment',
      'data.id=a%2Fb&type=payment',
      'data.id=%2Fb&type=payment',
      'data.id=a%2F&type=payment',
      `data.id=${'1'.repeat(65)}&type=payment`,
      'data.id=1&type=payment&type=plan',
      'data.id=1&type=',
      'data.id=1&type=%2Fb',
      'data.id=1&type=a%2F',
      `data.id=1&type=${'x'.repeat(99)}`,
    ])
      expect(await verify(request({ query }), now)).toMatchObject({ code: 'signature_malformed' });
  });

  test('holds for three days either way, and both secrets of a rotation hold', async () => {
    const day = 86_400_000;
    for (const ms of [-3 * day, 3 * day])
      expect(await verify(request(), new Date(now.getTime() + ms))).toMatchObject({ kind: 'verified' });
    for (const ms of [-3 * day - 1_000, 3 * day + 1_000])
      expect(await verify(request(), new Date(now.getTime() + ms))).toMatchObject({ code: 'signature_stale' });
    const both = createMercadoPagoVerifier({ secrets: [otherSecret, { value: secret, notAfter: now.toISOString() }] });
    expect(await both(request(), now)).toMatchObject({ kind: 'verified', keyId: keyNameOf(secret) });
    expect(await both(request(), new Date(now.getTime() + 1))).toMatchObject({ code: 'signature_mismatch' });
  });
});

test('the official SDK accepts what we sign, and we accept what it accepts', async () => {
  const id = fc.stringMatching(/^[a-z0-9]{1,20}$/);
  await fc.assert(
    fc.asyncProperty(id, id, fc.boolean(), async (anId, aRequest, genuine) => {
      const given = request({
        dataId: anId,
        requestId: aRequest,
        query: `data.id=${anId}&type=payment`,
        secret: genuine ? secret : otherSecret,
      });
      const [xSignature, xRequestId] = [given.headers['x-signature']?.[0], given.headers['x-request-id']?.[0]];
      const official = () => WebhookSignatureValidator.validate({ xSignature, xRequestId, dataId: anId, secret });
      const ours = await verify(given, now);
      if (genuine) {
        expect(official).not.toThrow();
        expect(ours.kind).toBe('verified');
      } else {
        expect(official).toThrow();
        expect(ours.kind).toBe('rejected');
      }
    }),
    { numRuns: 200 },
  );
});

test('the official SDK reads a time in milliseconds as seconds, so that its tolerance refuses it; ours does not', async () => {
  const ts = '1742505638683';
  const at = Number(ts);
  const xSignature = signedHeader(ts);
  const options = { xSignature, xRequestId: requestId, dataId, secret, now: () => at };
  expect(() => WebhookSignatureValidator.validate(options)).not.toThrow();
  expect(() => WebhookSignatureValidator.validate({ ...options, toleranceSeconds: 300 })).toThrow();
  expect(await verify(withHeader('x-signature', [xSignature]), new Date(at))).toMatchObject({ kind: 'verified' });
});

function request(
  given: {
    readonly dataId?: string | null;
    readonly requestId?: string | null;
    readonly query?: string;
    readonly secret?: string;
  } = {},
): SignedRequest {
  const headers = signMercadoPagoRequest({
    dataId: given.dataId === undefined ? dataId : given.dataId,
    requestId: given.requestId === undefined ? requestId : given.requestId,
    secret: given.secret ?? secret,
    signedAt: now,
  });
  return {
    method: 'POST',
    query: given.query ?? `data.id=${dataId}&type=payment`,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    body: Buffer.from(JSON.stringify({ id: 12_345, type: 'payment', action: 'payment.created', data: { id: dataId } })),
  };
}

function withHeader(name: string, values: readonly string[] | undefined): SignedRequest {
  const given = request();
  return { ...given, headers: { ...given.headers, [name]: values } };
}

/** Signed over a time as it stands, whatever its unit. */
function signedHeader(ts: string): string {
  const signed = signMercadoPagoRequest({ dataId, requestId, secret, signedAt: new Date(Number(ts) * 1_000) });
  return signed['x-signature'] ?? '';
}
