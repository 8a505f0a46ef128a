import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { collideCrc32 } from './fixtures/crc-collision.ts';
import {
  certificateUrl,
  eventBody,
  requestOf,
  sentAt,
  testEffects,
  transmissionId,
  webhookId,
} from './fixtures/deliveries.ts';
import { startPayPalStandIn } from './fixtures/paypal-stand-in.ts';
import published from './fixtures/published-vectors.json' with { type: 'json' };
import { signDemoHmac } from './sign.ts';
import { createPayPalVerifier } from './verify.ts';

/**
 * Why PayPal's tier is `partial`: its signature covers only a CRC32 of the body.
 * These tests keep the weakness in view; the defence is the ledger's, which binds
 * a transmission id to the hash of one body for ever.
 */
test('a body whose CRC32 was forged passes with PayPal’s genuine signature, so the tier is partial and the transmission is named', async () => {
  const [vector] = published.vectors;
  if (vector === undefined) throw new Error('There is no published vector.');
  const { signingCertificate, root } = published.certificates;
  await using paypal = await startPayPalStandIn(() => ({ status: 200, body: signingCertificate.pem }));
  const verify = createPayPalVerifier(
    { webhookId: vector.webhookId, environment: 'sandbox', mode: 'offline' },
    testEffects({ exchange: paypal.exchange, trustedRoots: [root.pem] }),
  );
  const headers = {
    'paypal-transmission-id': vector.transmissionId,
    'paypal-transmission-time': vector.transmissionTime,
    'paypal-transmission-sig': vector.signature,
    'paypal-cert-url': certificateUrl,
    'paypal-auth-algo': 'SHA256withRSA',
  };
  const genuine = Buffer.from(vector.body);
  const raised = vector.body.replace('"total":"20.00"', '"total":"20000.00"');
  const forged = collideCrc32(genuine, raised);

  expect(JSON.parse(forged.toString())).toMatchObject({ resource: { amount: { total: '20000.00' } } });
  expect(forged.equals(genuine)).toBe(false);
  const receivedAt = new Date(vector.transmissionTime);
  expect(await verify(requestOf(headers, Buffer.from(raised)), receivedAt)).toMatchObject({
    code: 'signature_mismatch',
  });
  for (const body of [genuine, forged]) {
    expect(await verify(requestOf(headers, body), receivedAt)).toMatchObject({
      kind: 'verified',
      tier: 'partial',
      transmissionId: vector.transmissionId,
    });
  }
});

test('a body whose CRC32 was forged is a mismatch for the demonstration signature, which covers every byte', async () => {
  const genuine = eventBody();
  const secret = 'a secret for demonstrations';
  const verify = createPayPalVerifier(
    { webhookId, environment: 'sandbox', mode: 'demo-hmac', demoSecret: secret },
    testEffects(),
  );
  const headers = signDemoHmac({ body: genuine, webhookId, transmissionId, transmissionTime: sentAt, secret });
  expect(await verify(requestOf(headers, genuine), sentAt)).toMatchObject({ kind: 'verified' });
  expect(
    await verify(requestOf(headers, collideCrc32(genuine, eventBody({ resource: {} }).toString())), sentAt),
  ).toMatchObject({ code: 'signature_mismatch' });
});

test('any JSON object can be given the CRC32 of any bytes without changing what it says', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.dictionary(fc.string(), fc.jsonValue()), (bytes, value) => {
      const text = JSON.stringify(value);
      const forged = collideCrc32(Buffer.from(bytes), text);
      expect(crc32(forged)).toBe(crc32(Buffer.from(bytes)));
      expect(JSON.stringify(JSON.parse(forged.toString()))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});
