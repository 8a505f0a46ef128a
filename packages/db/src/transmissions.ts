import type { Connection, LedgerTransaction } from './database.ts';

/** What a transmission id is bound to. */
export interface BoundTransmission {
  readonly ledgerId: number;
  readonly bodySha256: string;
}

/** The body an account's transmission id is bound to, or undefined where it is new. */
export async function findTransmission(
  tx: Connection,
  key: { readonly account: string; readonly transmissionId: string },
): Promise<BoundTransmission | undefined> {
  const row = await tx
    .selectFrom('transmissions')
    .select(['ledger_id', 'body_sha256'])
    .where('account', '=', key.account)
    .where('transmission_id', '=', key.transmissionId)
    .executeTakeFirst();
  return row === undefined ? undefined : { ledgerId: row.ledger_id, bodySha256: row.body_sha256.toString('hex') };
}

/**
 * Binds a transmission id to a body for ever. False where another transaction
 * has bound it meanwhile: this one must start again and look.
 */
export async function bindTransmission(
  tx: LedgerTransaction,
  binding: {
    readonly account: string;
    readonly transmissionId: string;
    readonly bodySha256: string;
    readonly ledgerId: number;
  },
): Promise<boolean> {
  const inserted = await tx
    .insertInto('transmissions')
    .values({
      account: binding.account,
      transmission_id: binding.transmissionId,
      body_sha256: Buffer.from(binding.bodySha256, 'hex'),
      ledger_id: binding.ledgerId,
    })
    .onConflict((conflict) => conflict.columns(['account', 'transmission_id']).doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}
