import { isIP } from 'node:net';
import type { ReceiveOutcome } from '@penstock/core/outcome';

/** What is remembered of the addresses that requests come from. */
export interface KnownClients {
  /** Learns from what became of a client's request. */
  readonly learn: (client: string, outcome: ReceiveOutcome['kind']) => void;
  /** Whether a request from there was proven to be a provider's within the last hour. */
  readonly isProven: (client: string) => boolean;
  /** Seconds for which nothing of it is looked at; null where it may come in. */
  readonly barredFor: (client: string) => number | null;
}

interface Known {
  /** When a request was proven, on the clock; null where none was. */
  readonly provenAt: number | null;
  /** Refusals that are left before it is barred, as they stood at `at`. */
  readonly left: number;
  readonly at: number;
}

/** Providers come back within the hour; an address that changes hands is a stranger again. */
const PROVEN_MS = 3_600_000;

/** How often "proven" is written anew; the hour does not need to be exact. */
const PROVEN_WRITTEN_EVERY_MS = 60_000;

/** Some 200 bytes each. Beyond them those go that were heard of the longest ago. */
const CLIENTS_MAX = 10_000;

/**
 * Remembers clients in the memory of this process. With `refusalsPerMinute`, a
 * client whose requests were refused so often within a minute is barred until
 * the next one is due, unless it has proven itself: an address that a provider
 * shares with somebody else stays open while the provider uses it.
 */
export function createKnownClients(options: {
  /** 0: nobody is barred. */
  readonly refusalsPerMinute: number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}): KnownClients {
  const { refusalsPerMinute, clock } = options;
  /** In the order of what was heard of them last. */
  const clients = new Map<string, Known>();

  const write = (key: string, known: Known): void => {
    clients.delete(key);
    clients.set(key, known);
    if (clients.size <= CLIENTS_MAX) return;
    const [oldest] = clients.keys();
    if (oldest !== undefined) clients.delete(oldest);
  };
  const leftNow = (known: Known, now: number): number =>
    Math.min(refusalsPerMinute, known.left + ((now - known.at) / 60_000) * refusalsPerMinute);
  const isProven = (known: Known | undefined, now: number): boolean =>
    known !== undefined && known.provenAt !== null && now - known.provenAt < PROVEN_MS;

  return {
    isProven: (client) => isProven(clients.get(networkOf(client)), clock()),
    barredFor: (client) => {
      if (refusalsPerMinute === 0) return null;
      const now = clock();
      const known = clients.get(networkOf(client));
      if (known === undefined || isProven(known, now)) return null;
      const left = leftNow(known, now);
      return left >= 1 ? null : Math.ceil(((1 - left) / refusalsPerMinute) * 60);
    },
    learn: (client, outcome) => {
      const now = clock();
      if (provesClient(outcome)) {
        const key = networkOf(client);
        const known = clients.get(key);
        if (known?.provenAt === undefined || known.provenAt === null || now - known.provenAt > PROVEN_WRITTEN_EVERY_MS)
          write(key, { provenAt: now, left: refusalsPerMinute, at: now });
      } else if (refusalsPerMinute > 0 && outcome === 'rejected') {
        const key = networkOf(client);
        const known = clients.get(key) ?? { provenAt: null, left: refusalsPerMinute, at: now };
        write(key, { provenAt: known.provenAt, left: Math.max(0, leftNow(known, now) - 1), at: now });
      }
    },
  };
}

function provesClient(outcome: ReceiveOutcome['kind']): boolean {
  return outcome === 'accepted' || outcome === 'malformed' || outcome === 'challenged';
}

/** Of IPv6 the network of a customer, /64: whoever has one address of it has them all. */
function networkOf(client: string): string {
  if (isIP(client) !== 6) return client;
  const [before = '', after] = client.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const groups =
    after === undefined
      ? head
      : [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return groups.slice(0, 4).join(':');
}
