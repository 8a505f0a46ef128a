import * as fc from 'fast-check';
import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { eventBody, requestOf, secret, signatureHeader, signedAt } from './fixtures/deliveries.ts';
import { createStripeVerifier } from './verify.ts';

/**
 * Stripe's own SDK as oracle, in both directions: what it signs verifies here,
 * what is signed here (sign.ts) verifies there. It decodes a body before it
 * verifies, which loses byte order marks and what is not UTF-8; there, and
 * only there, the two must differ.
 */
const verify = createStripeVerifier({ secrets: [secret] });
const { webhooks } = Stripe;

async function acceptedHere(body: Buffer, header: string, receivedAt: Date = signedAt): Promise<boolean> {
  const verification = await verify(requestOf(body, header), receivedAt);
  return verification.kind === 'verified' || verification.kind === 'malformed';
}

function acceptedThere(body: Buffer, header: string, receivedAt: Date = signedAt): boolean {
  if (webhooks.signature === null) throw new Error('this SDK has no signature helper');
  try {
    return webhooks.signature.verifyHeader(body, header, secret, undefined, undefined, receivedAt.getTime());
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}

function signedThere(payload: string, at: Date = signedAt): string {
  return webhooks.generateTestHeaderString({ payload, secret, timestamp: at.getTime() / 1000 });
}

/** Any text that UTF-8 can hold. */
const text = fc.string({ unit: 'binary', maxLength: 300 });
const payload = fc.oneof(
  fc.jsonValue().map((object) => eventBody({ data: { object } }).toString()),
  fc.json(),
  text,
);
const runs = { numRuns: 500 };

describe('bodies of text without a byte order mark', () => {
  const withoutMark = payload.filter((given) => !given.startsWith('\uFEFF'));

  test('what the SDK signs is genuine here', async () => {
    await fc.assert(
      fc.asyncProperty(payload, async (given) => {
        expect(await acceptedHere(Buffer.from(given), signedThere(given))).toBe(true);
      }),
      runs,
    );
  });

  test('what is signed here is genuine to the SDK', () => {
    fc.assert(
      fc.property(withoutMark, (given) => {
        const body = Buffer.from(given);
        expect(acceptedThere(body, signatureHeader(body))).toBe(true);
      }),
      runs,
    );
  });

  test('both write the same header', () => {
    fc.assert(
      fc.property(payload, (given) => {
        expect(signatureHeader(Buffer.from(given))).toBe(signedThere(given));
      }),
      runs,
    );
  });

  test('both refuse another body and another secret', async () => {
    await fc.assert(
      fc.asyncProperty(withoutMark, withoutMark, async (one, other) => {
        fc.pre(one !== other);
        const header = signedThere(one);
        expect([await acceptedHere(Buffer.from(other), header), acceptedThere(Buffer.from(other), header)]).toEqual([
          false,
          false,
        ]);
        const foreign = signatureHeader(Buffer.from(one), { secrets: ['whsec_not_ours'] });
        expect([await acceptedHere(Buffer.from(one), foreign), acceptedThere(Buffer.from(one), foreign)]).toEqual([
          false,
          false,
        ]);
      }),
      runs,
    );
  });

  test('the SDK constructs the very event whose envelope is read here', async () => {
    const body = eventBody();
    const header = signatureHeader(body);
    const event = webhooks.constructEvent(body, header, secret, undefined, undefined, signedAt.getTime());
    const verification = await verify(requestOf(body, header), signedAt);
    expect(verification).toMatchObject({
      kind: 'verified',
      events: [
        {
          eventId: event.id,
          type: event.type,
          occurredAt: new Date(event.created * 1000),
          livemode: event.livemode,
          apiVersion: event.api_version,
        },
      ],
    });
  });

  test('both accept either signature of a roll', async () => {
    const body = eventBody();
    for (const secrets of [
      [secret, 'whsec_not_ours'],
      ['whsec_not_ours', secret],
    ]) {
      const header = signatureHeader(body, { secrets });
      expect([await acceptedHere(body, header), acceptedThere(body, header)]).toEqual([true, true]);
    }
  });

  test.each([
    { what: 'an empty body', body: Buffer.alloc(0) },
    { what: 'a body of 10 MiB', body: eventBody({ data: { object: { note: 'é'.repeat(5 * 1024 * 1024) } } }) },
  ])('both agree about $what', async ({ body }) => {
    const header = signatureHeader(body);
    expect(header).toBe(signedThere(body.toString()));
    expect([await acceptedHere(body, header), acceptedThere(body, header)]).toEqual([true, true]);
  });
});

describe('where the two differ on purpose', () => {
  const secondsAfter = (seconds: number): Date => new Date(signedAt.getTime() + seconds * 1000);

  test('both refuse a stale signature; one from the future is refused here and accepted by the SDK', async () => {
    const body = eventBody();
    const header = signatureHeader(body);
    expect([
      await acceptedHere(body, header, secondsAfter(300)),
      acceptedThere(body, header, secondsAfter(300)),
    ]).toEqual([true, true]);
    expect([
      await acceptedHere(body, header, secondsAfter(301)),
      acceptedThere(body, header, secondsAfter(301)),
    ]).toEqual([false, false]);
    expect([
      await acceptedHere(body, header, secondsAfter(-301)),
      acceptedThere(body, header, secondsAfter(-301)),
    ]).toEqual([false, true]);
  });

  test('a byte order mark is part of the body here; the SDK drops it and refuses even what it signed itself', async () => {
    const given = `\uFEFF${eventBody().toString()}`;
    const header = signedThere(given);
    expect([await acceptedHere(Buffer.from(given), header), acceptedThere(Buffer.from(given), header)]).toEqual([
      true,
      false,
    ]);
  });

  test('the SDK takes a body with an added byte order mark for the one that was signed; here it is another body', async () => {
    const body = eventBody();
    const header = signatureHeader(body);
    const marked = Buffer.concat([Buffer.from('\uFEFF'), body]);
    expect([await acceptedHere(marked, header), acceptedThere(marked, header)]).toEqual([false, true]);
  });

  test('bytes that are not UTF-8 are signed as they are here; the SDK replaces them and refuses', async () => {
    const notUtf8 = fc
      .uint8Array({ minLength: 1, maxLength: 100 })
      .map((bytes) => Buffer.concat([Buffer.from([0xff]), Buffer.from(bytes)]));
    await fc.assert(
      fc.asyncProperty(notUtf8, async (body) => {
        const header = signatureHeader(body);
        expect([await acceptedHere(body, header), acceptedThere(body, header)]).toEqual([true, false]);
      }),
    );
  });

  test('the SDK takes bytes that are not UTF-8 for the replacement character that was signed; here they are another body', async () => {
    const signed = Buffer.from('{"note":"\uFFFD"}');
    const sent = Buffer.concat([Buffer.from('{"note":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const header = signatureHeader(signed);
    expect([await acceptedHere(sent, header), acceptedThere(sent, header)]).toEqual([false, true]);
  });

  test('hexadecimal digits in upper case are the same signature here and none to the SDK', async () => {
    const body = eventBody();
    const header = signatureHeader(body).replace(/v1=(.*)/, (_, hex: string) => `v1=${hex.toUpperCase()}`);
    expect([await acceptedHere(body, header), acceptedThere(body, header)]).toEqual([true, false]);
  });

  test('a header with two times is refused here; the SDK believes the last', async () => {
    const body = eventBody();
    const header = `t=1,${signatureHeader(body)}`;
    expect([await acceptedHere(body, header), acceptedThere(body, header)]).toEqual([false, true]);
  });
});
