import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { conformsTo } from '../testing/conformance.ts';
import { changed, orderCreated } from './fixtures/events.ts';
import { lemonSqueezy } from './provider.ts';
import { signLemonSqueezyRequest } from './sign.ts';
import { createLemonSqueezyVerifier } from './verify.ts';

const secret = 'signing-secret-of-forty-characters-0001';

function requestOf(body: Buffer, signature: string, headers: Readonly<Record<string, readonly string[]>> = {}) {
  return { method: 'POST', headers: { ...headers, 'x-signature': [signature] }, query: '', body };
}

function signed(body: Buffer, key: string = secret) {
  return requestOf(body, signLemonSqueezyRequest({ body, secret: key })['x-signature'] ?? '');
}

const verify = createLemonSqueezyVerifier({ secrets: [secret] });

conformsTo({
  provider: lemonSqueezy,
  tier: 'body',
  settingsWith: (secrets) => ({ secrets }),
  secret,
  otherSecret: 'signing-secret-of-forty-characters-0002',
  body: Buffer.from(JSON.stringify(orderCreated)),
  sign: (body, { secret: key }) => signed(body, key),
  signatureHeader: 'x-signature',
  encoding: 'hex',
  several: null,
  many: null,
  eventIdAt: null,
  windowSeconds: null,
  expected: {
    eventId: null,
    type: 'order_created',
    occurredAt: new Date('2021-08-17T09:45:53.000Z'),
    providerAccount: null,
  },
});

/** The documented handler: `crypto.createHmac('sha256', secret).update(rawBody).digest('hex')`. */
function signedAsDocumented(body: Buffer): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

test("what the documentation's own lines sign is genuine here, and the other way round", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const body = Buffer.from(bytes);
      const { kind } = await verify(requestOf(body, signedAsDocumented(body)), new Date());
      expect(['verified', 'malformed']).toContain(kind);
      expect(signLemonSqueezyRequest({ body, secret })['x-signature']).toBe(signedAsDocumented(body));
    }),
  );
});

test('the unsigned X-Event-Name header decides nothing', async () => {
  const body = Buffer.from(JSON.stringify(orderCreated));
  const request = requestOf(body, signedAsDocumented(body), { 'x-event-name': ['order_refunded'] });
  expect(await verify(request, new Date())).toMatchObject({ events: [{ type: 'order_created' }] });
});

test.each([
  [false, true],
  [true, false],
  ['perhaps', null],
  [undefined, null],
])('test_mode %s is livemode %s', async (test_mode, livemode) => {
  const body = Buffer.from(JSON.stringify(changed(orderCreated, 'order_created', { test_mode })));
  expect(await verify(signed(body), new Date())).toMatchObject({ events: [{ livemode }] });
});

test('a resource without attributes or times is an event still', async () => {
  const body = Buffer.from('{"meta":{"event_name":"affiliate_activated"},"data":{"type":"affiliates","id":"1"}}');
  expect(await verify(signed(body), new Date())).toMatchObject({
    kind: 'verified',
    events: [{ type: 'affiliate_activated', occurredAt: null, livemode: null }],
  });
});
