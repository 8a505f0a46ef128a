import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressGuard } from './address-guard.ts';

const guard = addressGuard(false);

test.each([
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '192.0.0.8',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::FFFF:A9FE:A9FE',
  '0:0:0:0:0:ffff:10.0.0.1',
  '0:0:0:0:0:ffff:0a00:0001',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2001:db8::1',
  'fc00::1',
  'fd12:3456:789a::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '100::1',
])('%s is not sent to', (address) => {
  expect(guard(address)).toBe(false);
});

test.each([
  '1.1.1.1',
  '93.184.215.14',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700:4700::1111',
  '::ffff:1.1.1.1',
  '::ffff:101:101',
])('%s is sent to', (address) => {
  expect(guard(address)).toBe(true);
});

test.each(['localhost', '', '1.2.3', '0x7f.1', '2130706433', '::g', '127.0.0.1:80'])('%s is no address', (text) => {
  expect(guard(text)).toBe(false);
});

test('an IPv4 address is judged alike in every form that carries it into IPv6', () => {
  fc.assert(
    fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), ([a, b, c, d]) => {
      const dotted = `${a}.${b}.${c}.${d}`;
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      const judged = guard(dotted);
      expect(guard(`::ffff:${dotted}`)).toBe(judged);
      expect(guard(`::ffff:${hex}`)).toBe(judged);
      expect(guard(`64:ff9b::${hex}`)).toBe(false);
      expect(guard(`2002:${hex}::1`)).toBe(false);
    }),
  );
});

describe('what is allowed', () => {
  test('is all, or the networks that are listed and no other', () => {
    expect(addressGuard(true)('127.0.0.1')).toBe(true);
    const some = addressGuard(['10.0.0.0/8', 'fd00::/8']);
    expect(['10.9.8.7', '::ffff:10.9.8.7', 'fd00::1'].map(some)).toEqual([true, true, true]);
    expect(['127.0.0.1', '192.168.1.1', 'fe80::1'].map(some)).toEqual([false, false, false]);
  });

  test('must be networks', () => {
    for (const wrong of ['10.0.0.0/33', 'example.org/8', '10.0.0.0'])
      expect(() => addressGuard([wrong])).toThrow(/is not a network/);
  });
});
