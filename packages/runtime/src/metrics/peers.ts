import { lookup } from 'node:dns/promises';
import { within } from '../within.ts';
import type { Exposition } from './merge-expositions.ts';

/** Processes that are asked at most. A larger fleet is Prometheus' own to discover. */
const PEERS_MAX = 32;

/** Of one process; ours have some 200 KiB. */
const PEER_BYTES_MAX = 2 * 1024 ** 2;

/** Prometheus waits ten seconds for all of it. */
const PEER_MS_MAX = 3_000;

/** The header by which a process knows its own answer, where a name leads to itself too. */
export const IDENTITY_HEADER = 'x-penstock-process';

/** What became of asking one process. */
export type PeerAnswer =
  | (Exposition & { readonly kind: 'up'; readonly identity: string | null })
  | { readonly kind: 'away'; readonly instance: string };

/**
 * Asks every process at these addresses for its metrics, all at once. A name
 * that leads to several addresses is several processes. Never rejects: one that
 * does not answer in time, or with something else, is away.
 */
export async function readPeers(
  urls: readonly string[],
  format: { readonly accept: string; readonly contentType: string },
): Promise<readonly PeerAnswer[]> {
  const found = (await Promise.all(urls.map(resolve))).flat();
  return Promise.all(found.slice(0, PEERS_MAX).map((place) => readPeer(place, format)));
}

interface Place {
  readonly instance: string;
  /** Null where the name leads nowhere. */
  readonly url: string | null;
}

async function resolve(url: string): Promise<readonly Place[]> {
  const { hostname, host, port } = new URL(url);
  try {
    const name = hostname.replace(/^\[|\]$/g, '');
    const addresses = await within(PEER_MS_MAX, lookup(name, { all: true }));
    return addresses.map(({ address, family }) => {
      const instance = `${family === 6 ? `[${address}]` : address}:${port === '' ? '80' : port}`;
      return { instance, url: `http://${instance}/metrics` };
    });
  } catch {
    return [{ instance: host, url: null }];
  }
}

async function readPeer(
  { instance, url }: Place,
  { accept, contentType }: { readonly accept: string; readonly contentType: string },
): Promise<PeerAnswer> {
  if (url === null) return { kind: 'away', instance };
  try {
    const signal = AbortSignal.timeout(PEER_MS_MAX);
    const response = await fetch(url, { headers: { accept }, redirect: 'error', signal });
    const told = response.headers.get('content-type');
    if (!response.ok || told !== contentType) throw new Error(`it answered ${response.status}, ${told}`);
    return { kind: 'up', instance, identity: response.headers.get(IDENTITY_HEADER), text: await readLimited(response) };
  } catch {
    return { kind: 'away', instance };
  }
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > PEER_BYTES_MAX) throw new Error(`it is larger than ${PEER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
