import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { RejectionCode } from '../../verification.ts';
import {
  eventBody,
  flipBit,
  requestOf,
  secret,
  signatureHeader,
  signedAt,
  signedRequest,
} from './fixtures/deliveries.ts';
import { createStripeVerifier } from './verify.ts';

/** What nobody but Stripe could have sent is all that is accepted; what Stripe would not send is told apart from it. */
const verify = createStripeVerifier({ secrets: [secret] });
const body = eventBody();

describe('nothing forged', () => {
  test('a body with any one bit flipped is a mismatch', async () => {
    const header = signatureHeader(body);
    for (let bit = 0; bit < body.length * 8; bit += 1) {
      expect(await verify(requestOf(flipBit(body, bit), header), signedAt)).toMatchObject(
        refusal('signature_mismatch'),
      );
    }
  });

  test('a header with any one bit flipped is refused, unless only a hexadecimal digit changed its case', async () => {
    const header = Buffer.from(signatureHeader(body));
    for (let bit = 0; bit < header.length * 8; bit += 1) {
      const flipped = flipBit(header, bit).toString('latin1');
      const verification = await verify(requestOf(body, flipped), signedAt);
      const saysTheSame =
        flipped.startsWith('t=') && flipped.includes(',v1=') && flipped.toLowerCase() === header.toString();
      expect({ flipped, kind: verification.kind }).toEqual({ flipped, kind: saysTheSame ? 'verified' : 'rejected' });
    }
  });

  test('a flipped bit is never accepted, whatever the body and the secret', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.stringMatching(/^whsec_[A-Za-z0-9]{8,40}$/),
        async (bytes, position, anySecret) => {
          const original = Buffer.from(bytes);
          const header = signatureHeader(original, { secrets: [anySecret] });
          const verifyAny = createStripeVerifier({ secrets: [anySecret] });
          expect(await verifyAny(requestOf(original, header), signedAt)).not.toMatchObject({ kind: 'rejected' });
          expect(
            await verifyAny(requestOf(flipBit(original, position % (bytes.length * 8)), header), signedAt),
          ).toMatchObject(refusal('signature_mismatch'));
        },
      ),
    );
  });

  test('the same JSON in other bytes is a mismatch', async () => {
    const header = signatureHeader(body);
    for (const other of [
      JSON.stringify(JSON.parse(body.toString()), null, 2),
      `${body.toString()}\n`,
      ` ${body.toString()}`,
      `\uFEFF${body.toString()}`,
    ]) {
      expect(await verify(requestOf(Buffer.from(other), header), signedAt)).toMatchObject(
        refusal('signature_mismatch'),
      );
    }
  });

  test('no header makes it accept, throw or hang', async () => {
    const element = fc.oneof(
      fc.constantFrom('t=1772366400', 't=', 't', 'v1', 'v1=', '=', `v1=${'a'.repeat(64)}`, 'v0=00', ' '),
      fc.string({ maxLength: 80 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(element, { maxLength: 12 }), async (elements) => {
        expect(await verify(requestOf(body, elements.join(',')), signedAt)).toMatchObject({ kind: 'rejected' });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a header that says nothing', () => {
  const good = signatureHeader(body);
  const time = signedAt.getTime() / 1000;
  const v1 = good.slice(good.indexOf('v1='));

  test.each<{ what: string; lines: string[]; code: RejectionCode }>([
    { what: 'none at all', lines: [], code: 'signature_missing' },
    { what: 'an empty one', lines: [''], code: 'signature_missing' },
    { what: 'one sent twice, both right', lines: [good, good], code: 'signature_malformed' },
    {
      what: 'an oversized one that holds a right signature',
      lines: [`${good},v0=${'a'.repeat(4096)}`],
      code: 'signature_malformed',
    },
    { what: 'one outside ASCII', lines: [`${good},v0=é`], code: 'signature_malformed' },
    { what: 'one with a control character', lines: [`${good},v0=\u0000`], code: 'signature_malformed' },
    { what: 'one without a time', lines: [v1], code: 'signature_malformed' },
    { what: 'one with two times, both right', lines: [`t=${time},${good}`], code: 'signature_malformed' },
    { what: 'one whose time is no whole number', lines: [`t=${time}.0,${v1}`], code: 'signature_malformed' },
    { what: 'one whose time is negative', lines: [`t=-${time},${v1}`], code: 'signature_malformed' },
    { what: 'one whose time is in hexadecimal', lines: [`t=0x69A4,${v1}`], code: 'signature_malformed' },
    { what: 'one whose time has 13 digits', lines: [`t=${time}000,${v1}`], code: 'signature_malformed' },
    { what: 'one without a v1', lines: [`t=${time}`], code: 'signature_malformed' },
    { what: 'one whose v1 is not hexadecimal', lines: [`t=${time},v1=${'g'.repeat(64)}`], code: 'signature_malformed' },
    { what: 'one in other words', lines: ['Bearer whsec_1'], code: 'signature_malformed' },
  ])('$what is refused as $code', async ({ lines, code }) => {
    expect(await verify(requestOf(body, ...lines), signedAt)).toMatchObject(refusal(code));
  });

  test('no refusal names the secret or the signature that would have been right', async () => {
    const rightSignature = v1.slice(3);
    for (const lines of [[], [good, good], [`t=${time}`], [`t=${time},v1=${'0'.repeat(64)}`]]) {
      const answer = JSON.stringify(await verify(requestOf(body, ...lines), signedAt));
      expect(answer).not.toContain(secret);
      expect(answer).not.toContain(rightSignature);
    }
  });
});

describe('a genuine body that is not an event', () => {
  const malformed = { kind: 'malformed', tier: 'full', keyId: keyNameOf(secret), transmissionId: null };

  test.each<{ what: string; bytes: Buffer; reason: string }>([
    { what: 'nothing', bytes: Buffer.alloc(0), reason: 'the body is not JSON' },
    { what: 'half of it', bytes: body.subarray(0, 40), reason: 'the body is not JSON' },
    {
      what: 'bytes that are not UTF-8',
      bytes: Buffer.concat([body.subarray(0, -1), Buffer.from([0xff, 0x7d])]),
      reason: 'the body is not UTF-8',
    },
    {
      what: 'an event behind a byte order mark',
      bytes: Buffer.concat([Buffer.from('\uFEFF'), body]),
      reason: 'the body is not JSON',
    },
    {
      what: 'a million open brackets',
      bytes: Buffer.from('['.repeat(1_000_000)),
      reason: 'the body is nested deeper than 128 levels',
    },
    { what: 'a list', bytes: Buffer.from('[]'), reason: 'the body is not an event of this provider: the body' },
    { what: 'null', bytes: Buffer.from('null'), reason: 'the body is not an event of this provider: the body' },
    {
      what: 'an event without a type and with a fraction of a second',
      bytes: eventBody({ type: undefined, created: 1.5 }),
      reason: 'the body is not an event of this provider: type, created',
    },
    {
      what: 'an event whose id could not stand in a log',
      bytes: eventBody({ id: 'evt 1\n' }),
      reason: 'the body is not an event of this provider: id',
    },
    {
      what: 'an event later than any date',
      bytes: eventBody({ created: 8.64e12 }),
      reason: 'the body is not an event of this provider: created',
    },
  ])('$what is malformed, and the reason names paths and no values', async ({ bytes, reason }) => {
    expect(await verify(signedRequest(bytes), signedAt)).toEqual({ ...malformed, reason });
  });

  test('brackets a million deep, closed or inside an event, neither throw nor stop anything', async () => {
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    expect(await verify(signedRequest(Buffer.from(deep)), signedAt)).toMatchObject({ kind: 'malformed' });
    const nested = eventBody({ data: { object: { deep: '*' } } })
      .toString()
      .replace('"*"', deep);
    expect(await verify(signedRequest(Buffer.from(nested)), signedAt)).not.toMatchObject({ kind: 'rejected' });
  });

  test('whatever JSON it is, the answer is never a refusal and nothing is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.jsonValue(),
          fc
            .jsonValue()
            .map((data) => ({ id: 'evt_1', object: 'event', type: 'a.b', created: 1, livemode: true, data })),
        ),
        async (value) => {
          expect(await verify(signedRequest(Buffer.from(JSON.stringify(value))), signedAt)).not.toMatchObject({
            kind: 'rejected',
          });
        },
      ),
    );
  });
});

test('an event of 10 MiB verifies, and with its last byte changed does not', async () => {
  const large = eventBody({ data: { object: { note: 'x'.repeat(10 * 1024 * 1024) } } });
  const request = signedRequest(large);
  expect(await verify(request, signedAt)).toMatchObject({
    kind: 'verified',
    events: [{ eventId: 'evt_1PqR2sT3uV4wX5yZ' }],
  });
  expect(await verify({ ...request, body: flipBit(large, large.length * 8 - 1) }, signedAt)).toMatchObject(
    refusal('signature_mismatch'),
  );
});

function refusal(code: RejectionCode): { readonly kind: 'rejected'; readonly code: RejectionCode } {
  return { kind: 'rejected', code };
}
