import { LogLevel, Paddle } from '@paddle/paddle-node-sdk';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import { conformsTo } from '../testing/conformance.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { paddle } from './provider.ts';
import { signPaddleRequest } from './sign.ts';
import { createPaddleVerifier } from './verify.ts';

const secret = 'pdl_ntfset_01current_abcdefghijkl';
const otherSecret = 'pdl_ntfset_01previous_abcdefghijkl';
const body = Buffer.from(
  '{"event_id":"evt_01hv8x29mtm3f42a00bp5v8va9","event_type":"transaction.paid","occurred_at":"2026-03-01T11:59:58.858999Z","notification_id":"ntf_01hv8x29q0j8ttnj51q5024qfp","data":{"id":"txn_01hv8wptq8987qeep44cyrewp9"}}',
);
const now = new Date('2026-03-01T12:00:00Z');

function requestOf(given: Buffer, header: string): SignedRequest {
  return { method: 'POST', headers: { 'paddle-signature': [header] }, query: '', body: given };
}

function headerOf(given: Buffer, secrets: readonly string[], at: Date = now): string {
  return signPaddleRequest({ body: given, secrets, at })['paddle-signature'] ?? '';
}

conformsTo({
  provider: paddle,
  tier: 'full',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret,
  body,
  sign: (given, { secret: key, at }) => requestOf(given, headerOf(given, [key], at)),
  signatureHeader: 'paddle-signature',
  encoding: 'hex',
  several: ([first = '', ...rest]) => [[first, ...rest.map((value) => value.split(';')[1] ?? '')].join(';')],
  many: null,
  eventIdAt: { path: ['event_id'], without: 'malformed' },
  windowSeconds: 30,
  expected: {
    eventId: 'evt_01hv8x29mtm3f42a00bp5v8va9',
    type: 'transaction.paid',
    occurredAt: new Date('2026-03-01T11:59:58.858Z'),
    providerAccount: null,
  },
});

test.each(published.vectors)(
  'the published signature of $src is genuine',
  async ({ secret: key, body: text, header }) => {
    const verify = createPaddleVerifier({ secrets: [key] });
    const verification = await verify(requestOf(Buffer.from(text), header), new Date(1_698_796_800_000));
    // Its body is no event, which only the holder of the secret is told.
    expect(verification).toMatchObject({ kind: 'malformed', keyId: keyNameOf(key) });
  },
);

describe('the header', () => {
  const verify = createPaddleVerifier({ secrets: [secret] });

  test.each([
    ['first', [secret, otherSecret]],
    ['last', [otherSecret, secret]],
  ])('our h1 counts when it is the %s of two', async (_place, secrets) => {
    expect(await verify(requestOf(body, headerOf(body, secrets)), now)).toMatchObject({ kind: 'verified' });
  });

  test('another version is skipped, and is no signature of its own', async () => {
    const header = headerOf(body, [secret]);
    expect(await verify(requestOf(body, `${header};h2=abc`), now)).toMatchObject({ kind: 'verified' });
    expect(await verify(requestOf(body, header.replace('h1=', 'h2=')), now)).toMatchObject({
      code: 'signature_malformed',
    });
  });

  test('up to eight h1 are looked at', async () => {
    const header = headerOf(body, [...Array.from({ length: 7 }, () => otherSecret), secret]);
    expect(await verify(requestOf(body, header), now)).toMatchObject({ kind: 'verified' });
    const nine = headerOf(body, [...Array.from({ length: 8 }, () => otherSecret), secret]);
    expect(await verify(requestOf(body, nine), now)).toMatchObject({ code: 'signature_malformed' });
  });

  test.each(['', 'h1', 'h1=', 'h1=00', 'H3=abc', ' h2=abc', 'h2 =abc', '=abc'])(
    'with %j beside its signature it is malformed',
    async (part) => {
      const header = headerOf(body, [secret]);
      for (const odd of [`${header};${part}`, `${part};${header}`])
        expect(await verify(requestOf(body, odd), now)).toMatchObject({ code: 'signature_malformed' });
    },
  );

  test.each(['ts=1;ts=2', 'ts=', 'ts=1.5', 'ts=-1', 'ts=0x10', 'ts=1x', 'ts=x1', 'ts=9999999999999'])(
    'with %s it is malformed',
    async (time) => {
      const header = headerOf(body, [secret]).replace(/^ts=\d+/, time);
      expect(await verify(requestOf(body, header), now)).toMatchObject({ code: 'signature_malformed' });
    },
  );
});

test('the window is the one that is configured, and zero is no window', async () => {
  const late = new Date(now.getTime() + 6_000);
  const request = requestOf(body, headerOf(body, [secret]));
  expect(await createPaddleVerifier({ secrets: [secret], toleranceSeconds: 5 })(request, late)).toMatchObject({
    code: 'signature_stale',
  });
  expect(await createPaddleVerifier({ secrets: [secret], toleranceSeconds: 6 })(request, late)).toMatchObject({
    kind: 'verified',
  });
  expect(() => createPaddleVerifier({ secrets: [secret], toleranceSeconds: 0 })).toThrow('toleranceSeconds');
});

describe('an event id under two bodies', () => {
  const renamed = Buffer.from(body.toString().replace('ntf_01hv8x29q0j8ttnj51q5024qfp', 'ntf_01replayed'));

  test('states the same event when only the notification differs', () => {
    expect(paddle.statesSameEvent(body, renamed)).toBe(true);
  });

  test('states another one when anything else does', () => {
    const other = Buffer.from(renamed.toString().replace('txn_01hv8wptq8987qeep44cyrewp9', 'txn_other'));
    expect(paddle.statesSameEvent(body, other)).toBe(false);
    expect(paddle.statesSameEvent(body, Buffer.from('{'))).toBe(false);
  });
});

describe("Paddle's SDK as oracle", () => {
  const { webhooks } = new Paddle('key', { logLevel: LogLevel.none });
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });

  // The SDK reads the clock itself.
  beforeEach(() => vi.useFakeTimers({ now, toFake: ['Date'] }));
  afterEach(() => vi.useRealTimers());

  async function acceptedThere(given: string, header: string): Promise<boolean> {
    return webhooks.isSignatureValid(given, secret, header);
  }

  test('what is signed here is genuine to the SDK, whatever the body', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        expect(await acceptedThere(given, headerOf(Buffer.from(given), [secret]))).toBe(true);
      }),
    );
  });

  test('a signature is accepted here exactly when the SDK accepts it', async () => {
    const verify = createPaddleVerifier({ secrets: [secret] });
    await fc.assert(
      fc.asyncProperty(text, text, fc.constantFrom(secret, otherSecret), async (given, signed, key) => {
        const header = headerOf(Buffer.from(signed), [key]);
        const { kind } = await verify(requestOf(Buffer.from(given), header), now);
        expect(kind !== 'rejected').toBe(await acceptedThere(given, header));
      }),
    );
  });

  test('differs in that it loses every h1 but the last, and lets any future time pass', async () => {
    const verify = createPaddleVerifier({ secrets: [secret] });
    const rotating = headerOf(body, [secret, otherSecret]);
    expect(await acceptedThere(body.toString(), rotating)).toBe(false);
    expect(await verify(requestOf(body, rotating), now)).toMatchObject({ kind: 'verified' });

    const future = headerOf(body, [secret], new Date(now.getTime() + 86_400_000));
    expect(await acceptedThere(body.toString(), future)).toBe(true);
    expect(await verify(requestOf(body, future), now)).toMatchObject({ code: 'signature_stale' });
  });
});
