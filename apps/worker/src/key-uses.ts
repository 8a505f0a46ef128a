import type { Delivery } from '@penstock/core/delivery';
import type { LedgerDatabase } from '@penstock/db/database';
import { recordKeyUses, type KeyUse } from '@penstock/db/key-uses';

/** How long a use stays in memory alone; a crash forgets it, and the next event tells it again. */
export const KEY_USES_WRITE_MS = 10_000;

/** Endpoints times their keys; PayPal's certificates come from outside. */
const KEYS_MAX = 500;

export interface KeyUses {
  /** Remembers which key proved a delivery. */
  readonly add: (delivery: Pick<Delivery, 'endpoint' | 'keyId' | 'receivedAt'>) => void;
  /** Writes what was remembered. */
  readonly write: () => Promise<void>;
}

/**
 * Gathers which key proved events when. Never in an event's own transaction:
 * one row a key, updated by every event, would have the whole fleet wait in line.
 */
export function gatherKeyUses(db: LedgerDatabase): KeyUses {
  let gathered = new Map<string, KeyUse>();
  return {
    add: ({ endpoint, keyId, receivedAt }) => {
      const name = `${endpoint} ${keyId}`;
      const known = gathered.get(name);
      if (known === undefined && gathered.size >= KEYS_MAX) return;
      const at = new Date(receivedAt);
      gathered.set(name, {
        endpoint,
        keyId,
        firstUsedAt: known === undefined || at < known.firstUsedAt ? at : known.firstUsedAt,
        lastUsedAt: known === undefined || at > known.lastUsedAt ? at : known.lastUsedAt,
      });
    },
    write: async () => {
      const writing = gathered;
      gathered = new Map();
      await recordKeyUses(db, [...writing.values()]);
    },
  };
}
