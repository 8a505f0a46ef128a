import { createHmac, randomBytes, webcrypto } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPayloadKeys, type PayloadKeys } from './payload-keys.ts';
import { isSealed, openPayload, sealedHead, sealPayload, type SealedPlace } from './sealed-payload.ts';

const base64 = (fill: number): string => Buffer.alloc(32, fill).toString('base64');

function keysOf(text: string): PayloadKeys {
  const read = readPayloadKeys(text, () => randomBytes(12));
  if ('problem' in read) throw new Error(read.problem);
  return read.value;
}

const keys = keysOf(`new:${base64(1)},old:${base64(2)}`);
const place: SealedPlace = { kept: 'events', row: ['acme', 'evt_1', 'ab'] };
const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const code = (expected: string) => expect.objectContaining({ name: 'PermanentError', code: expected });

describe('a sealed payload', () => {
  test('opens to what it was, under the active key and under those before it', () => {
    const before = keysOf(`old:${base64(2)}`);
    fc.assert(
      fc.property(payload, fc.boolean(), (bytes, isOld) => {
        const sealed = sealPayload(isOld ? before : keys, bytes, place);
        expect(isSealed(sealed)).toBe(true);
        expect(sealed.indexOf(sealedHead(isOld ? 'old' : 'new'))).toBe(0);
        expect(openPayload(keys, sealed, place).equals(bytes)).toBe(true);
      }),
    );
  });

  test('does not open once any bit of it is another', () => {
    const sealed = sealPayload(keys, Buffer.from('{"id":"evt_1"}'), place);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => openPayload(keys, changed, place)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^payload_(tampered|key_unknown)$/) }),
      );
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => openPayload(keys, sealed.subarray(0, length), place)).toThrow(/^a (sealed )?payload/);
  });

  test('does not open in another place: another table, another row, or the same words parted otherwise', () => {
    const sealed = sealPayload(keys, Buffer.from('{}'), place);
    for (const other of [
      { ...place, kept: 'collisions' },
      { ...place, row: ['acme', 'evt_2', 'ab'] },
      { ...place, row: ['acme', 'evt_1","ab'] },
      { ...place, row: ['acmeevt_1', '', 'ab'] },
    ] as const)
      expect(() => openPayload(keys, sealed, other)).toThrow(code('payload_tampered'));
  });

  test('names the key that is missing, and tells nothing else', () => {
    const sealed = sealPayload(keysOf(`lost:${base64(3)}`), Buffer.from('{}'), place);
    for (const without of [keys, null])
      expect(() => openPayload(without, sealed, place)).toThrow(code('payload_key_unknown'));
    expect(() => openPayload(keys, sealed, place)).toThrow(/key lost/);
  });

  test('is AES-256-GCM as another implementation has it, under HMAC-SHA-256 of the key over its place', async () => {
    const text = Buffer.from('{"id":"evt_1","amount":1250}');
    const sealed = sealPayload(keys, text, place);
    const associated = Buffer.from('["penstock","events","acme","evt_1","ab"]');
    const derived = createHmac('sha256', Buffer.alloc(32, 1)).update(associated).digest();
    const body = sealed.subarray(sealedHead('new').length);
    const [nonce, tag, ciphertext] = [body.subarray(0, 12), body.subarray(12, 28), body.subarray(28)];
    const key = await webcrypto.subtle.importKey('raw', new Uint8Array(derived), 'AES-GCM', false, ['decrypt']);
    const opened = await webcrypto.subtle.decrypt(
      { name: 'AES-GCM', iv: new Uint8Array(nonce), additionalData: new Uint8Array(associated), tagLength: 128 },
      key,
      new Uint8Array(Buffer.concat([ciphertext, tag])),
    );
    expect(Buffer.from(opened).equals(text)).toBe(true);
  });

  test('is never the same twice', () => {
    const sealed = Array.from({ length: 100 }, () => sealPayload(keys, Buffer.from('{}'), place).toString('hex'));
    expect(new Set(sealed).size).toBe(100);
  });
});

test('only what begins with the whole mark, and goes on, is taken for sealed', () => {
  const mark = '\0PS\u0001';
  for (const text of ['', '{}', 'id=tr_1', '\0', '\0PS', mark, `\0PS\u0002new`, ` ${mark}new`, `\0PT\u0001new`])
    expect(isSealed(Buffer.from(text, 'latin1')), JSON.stringify(text)).toBe(false);
  expect(isSealed(Buffer.from(`${mark}\0`, 'latin1'))).toBe(true);
});

test('what says that it is sealed and names no key, or has no room for a tag, does not open', () => {
  const headed = (keyId: string, rest: number) => Buffer.concat([sealedHead(keyId), Buffer.alloc(rest)]);
  for (const odd of [headed('', 100), headed('new', 0), headed('new', 27), headed('new', 28)])
    expect(() => openPayload(keys, odd, place)).toThrow(code('payload_tampered'));
  expect(openPayload(keys, sealPayload(keys, Buffer.alloc(0), place), place)).toEqual(Buffer.alloc(0));
});

test.each([
  ['', 'must name key 1'],
  [`a:${base64(1)},`, 'must name key 2'],
  [`A:${base64(1)}`, 'must name key 1'],
  ['a:c2hvcnQ=', 'must give key 1 as 32 bytes in base64'],
  [`a:${base64(1).slice(0, -1)}`, 'must give key 1'],
  [`a:${base64(1)},a:${base64(2)}`, 'must name no two keys alike'],
  [Array.from({ length: 11 }, (_, n) => `k${n}:${base64(n)}`).join(','), 'must be at most 10 keys'],
])('keys written as %j are refused, and the refusal quotes none of them', (text, problem) => {
  const read = readPayloadKeys(text, () => randomBytes(12));
  expect(read).toEqual({ problem: expect.stringContaining(problem) });
  expect(JSON.stringify(read)).not.toContain(base64(1).slice(0, 20));
});
