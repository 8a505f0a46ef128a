import type { Connection, LedgerTransaction } from './database.ts';

/** The handlers that a replay asked to run again for a finished event; empty where none did. */
export async function askedHandlersOf(db: Connection, ledgerId: number): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('asked_handlers').select('handler').where('ledger_id', '=', ledgerId).execute();
  return new Set(rows.map(({ handler }) => handler));
}

/** Asks for these to run again. One that is asked for already is asked for once. */
export async function askHandlers(
  tx: LedgerTransaction,
  asked: readonly { readonly ledgerId: number; readonly handler: string; readonly replayId: number }[],
): Promise<void> {
  if (asked.length === 0) return;
  await tx
    .insertInto('asked_handlers')
    .values(asked.map(({ ledgerId, handler, replayId }) => ({ ledger_id: ledgerId, handler, replay_id: replayId })))
    .onConflict((conflict) => conflict.columns(['ledger_id', 'handler']).doNothing())
    .execute();
}

/** Strikes out what was asked and is done, in the transaction of the run; all of it where `handlers` is null. */
export async function strikeAskedHandlers(
  tx: LedgerTransaction,
  done: { readonly ledgerId: number; readonly handlers: readonly string[] | null },
): Promise<void> {
  if (done.handlers?.length === 0) return;
  const rows = tx.deleteFrom('asked_handlers').where('ledger_id', '=', done.ledgerId);
  await (done.handlers === null ? rows : rows.where('handler', 'in', [...done.handlers])).execute();
}
