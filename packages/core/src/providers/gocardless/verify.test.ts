import fc from 'fast-check';
import { parse } from 'gocardless-nodejs/webhooks';
import { expect, test } from 'vitest';
import { keyNameOf } from '../../rotating-secrets.ts';
import type { SignedRequest } from '../../signed-request.ts';
import type { VerifiedEvent, Verification } from '../../verification.ts';
import { conformsTo } from '../testing/conformance.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { gocardless } from './provider.ts';
import { signGoCardlessRequest } from './sign.ts';
import { createGoCardlessVerifier, GOCARDLESS_EVENTS_MAX } from './verify.ts';

const secret = 'ED7D658C-D8EB-4941-948B-3973214F2D49';
const event = {
  id: 'EV123',
  created_at: '2026-03-01T11:59:58.123Z',
  resource_type: 'payments',
  action: 'confirmed',
  links: { payment: 'PM123', organisation: 'OR123' },
  details: { origin: 'gocardless', cause: 'payment_confirmed', description: 'Enough time has passed.' },
  metadata: {},
};

conformsTo({
  provider: gocardless,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'an-older-endpoint-secret',
  body: bodyOf([event]),
  sign: (body, { secret: key }) => requestOf(body, signGoCardlessRequest({ body, secret: key })['webhook-signature']),
  signatureHeader: 'webhook-signature',
  encoding: 'hex',
  several: null,
  many: { body: bodyOf([event, { ...event, id: 'EV124' }]), eventIds: ['EV123', 'EV124'] },
  eventIdAt: { path: ['events', '0', 'id'], without: 'malformed' },
  windowSeconds: null,
  expected: {
    eventId: 'EV123',
    type: 'payments.confirmed',
    occurredAt: new Date('2026-03-01T11:59:58.123Z'),
    providerAccount: 'OR123',
  },
});

test.each(published.vectors)('the published signature of $src verifies', async (vector) => {
  const verifyPublished = createGoCardlessVerifier({ secrets: [vector.secret] });
  const body = Buffer.from(vector.body);
  expect(await verifyPublished(requestOf(body, vector.signature), new Date())).toMatchObject({
    kind: 'verified',
    keyId: keyNameOf(secret),
    events: [
      { eventId: 'EV00BD05S5VM2T', type: 'subscriptions.created' },
      { eventId: 'EV00BD05TB8K63', type: 'mandates.created' },
    ],
  });
});

test('each event of a request stands alone, as it would in other company', async () => {
  const second = { ...event, id: 'EV124', links: { payment: 'PM124' } };
  const together = await verified(bodyOf([event, second]));
  const alone = await verified(bodyOf([second]));
  expect(together).toHaveLength(2);
  expect(together[1]).toEqual(alone[0]);
  expect(together.map(({ body }) => JSON.parse(String(body)))).toEqual([event, second]);
});

test('the greatest number of events is taken, one more is malformed', async () => {
  const many = Array.from({ length: GOCARDLESS_EVENTS_MAX + 1 }, (_, position) => ({ ...event, id: `EV${position}` }));
  expect(await verified(bodyOf(many.slice(1)))).toHaveLength(250);
  expect(await verify(signed(bodyOf(many)))).toMatchObject({ kind: 'malformed' });
});

test('a request without events, or with one that has no id, is malformed as a whole', async () => {
  const { id: _id, ...anonymous } = event;
  for (const [events, at] of [
    [[], 'events'],
    [[event, anonymous], 'events.1.id'],
    [[event, null], 'events.1'],
  ] as const) {
    expect(await verify(signed(bodyOf(events)))).toMatchObject({
      kind: 'malformed',
      reason: `the body is not an event of this provider: ${at}`,
    });
  }
});

test('an event without links, or with an organisation that is no text, belongs to no account', async () => {
  const { links: _links, ...unlinked } = event;
  for (const odd of [unlinked, { ...event, links: null }, { ...event, links: { organisation: 1 } }])
    expect(await verified(bodyOf([odd]))).toMatchObject([{ eventId: 'EV123', providerAccount: null }]);
});

test('an event nested deeper than the stack is malformed, and states the same as none', async () => {
  const nested = (levels: number): string =>
    JSON.stringify(event).replace('"PM123"', `${'['.repeat(levels)}${']'.repeat(levels)}`);
  const deep = nested(100_000);
  expect(await verify(signed(Buffer.from(`{"events":[${deep}]}`)))).toMatchObject({ kind: 'malformed' });
  expect(await verify(signed(Buffer.from(`{"events":[${JSON.stringify(event)},${nested(30_000)}]}`)))).toMatchObject({
    kind: 'malformed',
    reason: 'the body is nested too deep at events.1',
  });
  expect(gocardless.statesSameEvent(Buffer.from(deep), Buffer.from(`${deep} `))).toBe(false);
});

test('one event rendered twice states the same, whatever its metadata; another statement does not', () => {
  const stored = Buffer.from(JSON.stringify(event));
  const again = { resource_metadata: { order: '1' }, ...event, metadata: { note: 'x' } };
  expect(gocardless.statesSameEvent(stored, Buffer.from(JSON.stringify(again)))).toBe(true);
  for (const changed of [
    { ...event, action: 'failed' },
    { ...event, links: { payment: 'PM999', organisation: 'OR123' } },
    { ...event, created_at: '2026-03-01T11:59:59.123Z' },
    { ...event, details: { ...event.details, cause: 'other' } },
  ]) {
    expect(gocardless.statesSameEvent(stored, Buffer.from(JSON.stringify(changed)))).toBe(false);
  }
  expect(gocardless.statesSameEvent(stored, Buffer.from('nonsense'))).toBe(false);
});

test('what we sign the official SDK parses, and what it refuses we refuse', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.boolean(), async (text, genuine) => {
      const body = Buffer.from(`{"events":[${JSON.stringify(event)}],"meta":${text}}`);
      const signature = signGoCardlessRequest({ body, secret: genuine ? secret : 'another-secret' });
      const header = signature['webhook-signature'] ?? '';
      const official = ((): boolean => {
        try {
          return parse(body, secret, header).length === 1;
        } catch {
          return false;
        }
      })();
      expect(official).toBe(genuine);
      expect((await verify(requestOf(body, header))).kind).toBe(official ? 'verified' : 'rejected');
    }),
  );
});

test('unlike the official SDK, text after the signature is refused', async () => {
  const body = bodyOf([event]);
  const header = `${signGoCardlessRequest({ body, secret })['webhook-signature'] ?? ''}zz`;
  expect(parse(body, secret, header)).toHaveLength(1);
  expect(await verify(requestOf(body, header))).toMatchObject({ kind: 'rejected', code: 'signature_malformed' });
});

function bodyOf(events: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ events, meta: { webhook_id: 'WB123' } }));
}

function requestOf(body: Buffer, signature: string | undefined): SignedRequest {
  return { method: 'POST', headers: { 'webhook-signature': [signature ?? ''] }, query: '', body };
}

function signed(body: Buffer): SignedRequest {
  return requestOf(body, signGoCardlessRequest({ body, secret })['webhook-signature']);
}

async function verify(request: SignedRequest): Promise<Verification> {
  return createGoCardlessVerifier({ secrets: [secret] })(request, new Date('2026-03-01T12:00:00Z'));
}

async function verified(body: Buffer): Promise<readonly VerifiedEvent[]> {
  const verification = await verify(signed(body));
  return verification.kind === 'verified' ? verification.events : [];
}
