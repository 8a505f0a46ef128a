import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { Setting } from './env.ts';

/** Header fields that proxies tell their client's address in: the usual one, and RFC 7239's. */
export const forwardedHeaders = ['x-forwarded-for', 'forwarded'] as const;
export type ForwardedHeader = (typeof forwardedHeaders)[number];

/** What is looked at of a request. */
interface Addressed {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

/** Proxies in a row; more than these is a header made up. */
const HOPS_MAX = 20;

/** Addresses whose judgement is remembered, so that a proxy is not looked up for each of its requests. */
const JUDGED_MAX = 1_000;

/**
 * Returns what tells a request's client: the connection's own address, or,
 * where that is a trusted proxy's, what it says of its client. The header is
 * read from the right, the end that the nearest proxy wrote, and no further
 * than to the first address that is not a trusted proxy's: what stands left
 * of it, the client may have made up. What is no address ends the reading at
 * the hop before it.
 *
 * One header field is believed and the other ignored, because a proxy that
 * writes one passes the other on as its client sent it.
 */
export function createClientAddress(options: {
  readonly trusted: BlockList | null;
  readonly header: ForwardedHeader;
}): (request: Addressed) => string {
  const { trusted, header } = options;
  if (trusted === null) return ({ socket }) => plainAddress(socket.remoteAddress ?? '');
  const isTrusted = remembering((address) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
  return ({ socket, headers }) => {
    const peer = plainAddress(socket.remoteAddress ?? '');
    if (isIP(peer) === 0 || !isTrusted(peer)) return peer;
    const written = headers[header];
    const hops = typeof written === 'string' ? written.split(',').slice(-HOPS_MAX) : [];
    let client = peer;
    for (const hop of hops.toReversed()) {
      const address = header === 'forwarded' ? addressInElement(hop) : addressIn(hop);
      if (address === null) break;
      client = address;
      if (!isTrusted(address)) break;
    }
    return client;
  };
}

/**
 * A setting that lists networks, `10.0.0.0/8 2001:db8::/32 192.0.2.7`, by
 * spaces or commas; null where it is unset.
 */
export function networkList(options: { readonly name: string; readonly about: string }): Setting<BlockList | null> {
  return {
    ...options,
    secret: false,
    fallback: '–',
    read: (raw) => {
      if (raw === undefined) return { value: null };
      const list = new BlockList();
      for (const network of raw.split(/[\s,]+/).filter((part) => part !== '')) {
        if (!addNetwork(list, network))
          return { problem: 'must be addresses or networks such as 10.0.0.0/8, by spaces or commas' };
      }
      return { value: list };
    },
  };
}

function addNetwork(list: BlockList, network: string): boolean {
  const [address = '', prefix, ...more] = network.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  const bits = version === 4 ? 32 : 128;
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)) return false;
  list.addSubnet(address, prefix === undefined ? bits : Number(prefix), version === 4 ? 'ipv4' : 'ipv6');
  return true;
}

/**
 * The `for` of one element of Forwarded (RFC 7239, section 4). Elements are
 * parted at every comma, quoted or not: what a client wrote with a quotation
 * mark left open cannot swallow what a proxy wrote after it.
 */
function addressInElement(element: string): string | null {
  const [, value] = /(?:^|;)\s*for\s*=\s*([^;]*)/i.exec(element) ?? [];
  return value === undefined ? null : addressIn(value.trim().replace(/^"(.*)"$/, '$1'));
}

/** An address, without its port and brackets; null for anything else, such as `unknown`. */
function addressIn(text: string): string | null {
  const [, bracketed, bare] =
    /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(text.trim()) ??
    /^()(\d+(?:\.\d+){3})(?::\d{1,5})?$/.exec(text.trim()) ??
    [];
  const address = plainAddress((bracketed === '' ? bare : bracketed) ?? text.trim());
  return isIP(address) === 0 ? null : address;
}

/** An IPv4 address that a socket for both shows as `::ffff:192.0.2.1` is that IPv4 address. */
function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

function remembering(judge: (address: string) => boolean): (address: string) => boolean {
  const judged = new Map<string, boolean>();
  return (address) => {
    const known = judged.get(address);
    if (known !== undefined) return known;
    if (judged.size >= JUDGED_MAX) judged.clear();
    const judgement = judge(address);
    judged.set(address, judgement);
    return judgement;
  };
}
