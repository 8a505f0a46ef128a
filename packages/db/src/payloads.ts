import type { PayloadKeys } from '@penstock/core/payload-keys';
import { sha256Hex } from '@penstock/core/delivery';
import { isSealed, openPayload, sealPayload, type SealedPlace } from '@penstock/core/sealed-payload';
import type { Connection } from './database.ts';
import { wayOf } from './ledger-dialect.ts';
import type { CollisionKind } from './schema.ts';

/**
 * Where bodies lie, and what their rows are named by there. Every body and every
 * message passes this file on its way into the ledger and out of it.
 */
export const placeOf = {
  event: (row: { readonly account: string; readonly eventId: string; readonly sha256: string }): SealedPlace => ({
    kept: 'events',
    row: [row.account, row.eventId, row.sha256],
  }),
  confirmation: (row: { readonly ledgerId: number; readonly sha256: string }): SealedPlace => ({
    kept: 'confirmations',
    row: [row.ledgerId, row.sha256],
  }),
  collision: (row: {
    readonly ledgerId: number;
    readonly kind: CollisionKind;
    readonly eventId: string;
    readonly sha256: string;
  }): SealedPlace => ({ kept: 'collisions', row: [row.ledgerId, row.kind, row.eventId, row.sha256] }),
  message: (row: {
    readonly ledgerId: number;
    readonly kind: 'event' | 'message';
    readonly topic: string;
    readonly key: string;
  }): SealedPlace => ({ kept: 'outbox', row: [row.ledgerId, row.kind, row.topic, row.key] }),
} as const;

/** Bytes as they are stored: sealed where the database was opened with keys. */
export function sealBody(db: Connection, body: Buffer, place: SealedPlace): Buffer {
  const keys = payloadKeysOf(db);
  return keys === null ? body : sealPayload(keys, body, place);
}

/**
 * A body as it came. What was stored without keys stays readable beside what was
 * stored with them. Throws PermanentError `payload_key_unknown` or `payload_tampered`.
 */
export function openBody(
  db: Connection,
  stored: Buffer,
  { place, sha256 }: { readonly place: SealedPlace; readonly sha256: Buffer },
): Buffer {
  // A provider's own bytes may look sealed; then they have the hash that they came with.
  if (!isSealed(stored) || sha256Hex(stored) === sha256.toString('hex')) return stored;
  return openPayload(payloadKeysOf(db), stored, place);
}

/** The columns of a message's row that hold what it says. */
export function sealMessage(
  db: Connection,
  payload: unknown,
  place: SealedPlace,
): { readonly payload: string; readonly sealed: Buffer | null } {
  const keys = payloadKeysOf(db);
  const text = JSON.stringify(payload);
  if (keys === null) return { payload: text, sealed: null };
  return { payload: 'null', sealed: sealPayload(keys, Buffer.from(text), place) };
}

/** What a message says. Throws PermanentError `payload_key_unknown` or `payload_tampered`. */
export function openMessage(
  db: Connection,
  row: { readonly payload: unknown; readonly sealed: Buffer | null },
  place: SealedPlace,
): unknown {
  if (row.sealed === null) return row.payload;
  return JSON.parse(openPayload(payloadKeysOf(db), row.sealed, place).toString('utf8'));
}

/** The keys that a database was opened with: of it, and of its transactions. */
function payloadKeysOf(db: Connection): PayloadKeys | null {
  return wayOf(db)?.payloadKeys ?? null;
}
