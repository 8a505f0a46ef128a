import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { matchingKey, webhookKey, type WebhookKey } from './keys.ts';

const signed = Buffer.from('msg_1.1767225600.{}');
const secret = Buffer.alloc(24, 7);
const hmac = createHmac('sha256', secret).update(signed).digest();

function hmacKey(name: string, key = secret): WebhookKey {
  return { kind: 'hmac', name, key };
}

test('the first of the keys that match is the one that is named', () => {
  const keys = [hmacKey('other', Buffer.alloc(24, 1)), hmacKey('new'), hmacKey('same')];
  expect(matchingKey({ keys, signatures: [{ kind: 'hmac', bytes: hmac }], signed })?.name).toBe('new');
});

test('a signature counts for keys of its own kind alone, whatever its bytes are', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const keys: readonly WebhookKey[] = [hmacKey('shared'), { kind: 'ed25519', name: 'public', key: publicKey }];
  const ed25519 = sign(null, signed, privateKey);
  const nameOf = (kind: WebhookKey['kind'], bytes: Buffer) =>
    matchingKey({ keys, signatures: [{ kind, bytes }], signed })?.name;
  expect([nameOf('hmac', hmac), nameOf('ed25519', ed25519)]).toEqual(['shared', 'public']);
  expect([nameOf('ed25519', hmac), nameOf('hmac', ed25519)]).toEqual([undefined, undefined]);
});

test.each(['', 'whsec_', 'whsec_====', 'whsec_AAA', 'whpk_', 'whpk_no base64', `whpk_${'A'.repeat(40)}`])(
  'a secret that is none is no key, and not one of no bytes: %j',
  (value) => {
    expect(webhookKey({ name: 'secret', value, notBefore: null, notAfter: null }, 'base64')).toBeNull();
  },
);
