import { decodeBody, type Delivery } from '@penstock/core/delivery';
import { openEventConflict } from './conflicts.ts';
import type { LedgerTransaction } from './database.ts';
import { placeOf, sealBody } from './payloads.ts';
import type { CollisionKind } from './schema.ts';

/** Quarantines a delivery that contradicts event `ledgerId`, and opens a conflict about it. The same one is recorded once. */
export async function recordCollision(
  tx: LedgerTransaction,
  collision: { readonly ledgerId: number; readonly kind: CollisionKind; readonly delivery: Delivery },
): Promise<void> {
  const { delivery } = collision;
  const recorded = await tx
    .insertInto('collisions')
    .values({
      ledger_id: collision.ledgerId,
      kind: collision.kind,
      account: delivery.account,
      endpoint: delivery.endpoint,
      provider_event_id: delivery.eventId,
      type: delivery.type,
      tier: delivery.tier,
      key_id: delivery.keyId,
      transmission_id: delivery.transmissionId,
      request_id: delivery.requestId,
      received_at: new Date(delivery.receivedAt),
      body_sha256: Buffer.from(delivery.bodySha256, 'hex'),
      body: sealBody(
        tx,
        decodeBody(delivery.body),
        placeOf.collision({ ...collision, eventId: delivery.eventId, sha256: delivery.bodySha256 }),
      ),
    })
    .onConflict((conflict) => conflict.columns(['ledger_id', 'kind', 'provider_event_id', 'body_sha256']).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (recorded === undefined) return;
  await openEventConflict(tx, {
    ledgerId: collision.ledgerId,
    kind: 'collision',
    code: `${collision.kind}_collision`,
    subject: `collision:${recorded.id}`,
  });
}
