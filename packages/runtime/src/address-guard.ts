import { BlockList, isIP } from 'node:net';
import { ConfigurationError } from '@penstock/core/failure';

/** Whether one of one's own deliveries may go to an address. */
export type AddressGuard = (address: string) => boolean;

/**
 * Networks that a URL from a configuration, or a DNS answer, must not lead to:
 * this machine, private networks, cloud metadata, and what reaches them through
 * another notation. Source: IANA special-purpose address registries (RFC 6890),
 * RFC 6598 (shared), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
 */
const refused: readonly (readonly [network: string, bits: number, family: 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  // Unspecified, loopback and the deprecated IPv4-compatible form; IPv4-mapped is told apart below.
  ['::', 96, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
  ['5f00::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const refusedList = listOf(refused);

/**
 * A guard that lets public addresses through, and of the others those that are
 * allowed: all, or those of the networks listed. An IPv4-mapped IPv6 address is
 * judged as the IPv4 address it is. Throws ConfigurationError for what is no network.
 */
export function addressGuard(allowPrivate: boolean | readonly string[]): AddressGuard {
  const allowed = listOf(typeof allowPrivate === 'boolean' ? [] : allowPrivate.map(networkOf));
  return (address) => {
    const plain = unmapped(address);
    const family = familyOf(plain);
    if (family === null) return false;
    if (allowPrivate === true) return true;
    return !refusedList.check(plain, family) || allowed.check(plain, family);
  };
}

/** `::ffff:127.0.0.1` and `::ffff:7f00:1` are `127.0.0.1`. A zone (`fe80::1%eth0`) is left out. */
function unmapped(address: string): string {
  const [bare = ''] = address.split('%');
  const dotted = /^::ffff:(?<v4>\d{1,3}(?:\.\d{1,3}){3})$/i.exec(bare)?.groups?.['v4'];
  if (dotted !== undefined) return dotted;
  const hex = /^(?:0{0,4}:){0,5}:?ffff:(?<high>[0-9a-f]{1,4}):(?<low>[0-9a-f]{1,4})$/i.exec(bare)?.groups;
  if (hex === undefined) return bare;
  const bytes = [hex['high'] ?? '', hex['low'] ?? ''].flatMap((part) => {
    const value = Number.parseInt(part, 16);
    return [value >> 8, value & 255];
  });
  return bytes.join('.');
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address);
  if (version === 0) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
}

function networkOf(text: string): readonly [string, number, 'ipv4' | 'ipv6'] {
  const [network = '', bits = ''] = text.split('/');
  const family = familyOf(network);
  const most = family === 'ipv4' ? 32 : 128;
  if (family === null || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
    throw new ConfigurationError([`allowPrivate: ${text} is not a network such as 10.0.0.0/8`]);
  return [network, Number(bits), family];
}

function listOf(networks: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList {
  const list = new BlockList();
  for (const [network, bits, family] of networks) list.addSubnet(network, bits, family);
  return list;
}
