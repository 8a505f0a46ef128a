import fc from 'fast-check';
import { WebhookSignatureValidator } from 'mercadopago';
import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { signMercadoPagoRequest } from './sign.ts';
import { createMercadoPagoVerifier } from './verify.ts';

// The body is not signed, so the shared conformance suite does not fit; its
// cases for headers, secrets and times are made here.
const secret = 'secret-signature-of-the-application-1';
const otherSecret = 'secret-signature-of-the-application-2';
const now = new Date('2026-03-01T12:00:00Z');
const dataId = '1320894723';
const requestId = 'bb56a2f1-6aae-46ac-982e-9dcd3581d08e';
const verify = createMercadoPagoVerifier({ secrets: [secret] });

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
      ['ts=x,v1=00'],
    ])
      expect(await verify(withHeader('x-signature', values), now)).toMatchObject({ code: 'signature_malformed' });
    for (const query of [
      'data.id=1&data.id=2&type=payment',
      'data.id=a%2Fb&type=payment',
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
    readonly dataId?: string;
    readonly requestId?: string;
    readonly query?: string;
    readonly secret?: string;
  } = {},
): SignedRequest {
  const headers = signMercadoPagoRequest({
    dataId: given.dataId ?? dataId,
    requestId: given.requestId ?? requestId,
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
