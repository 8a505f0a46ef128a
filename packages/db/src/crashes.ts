import { sql } from 'kysely';
import type { LedgerDatabase, LedgerTransaction } from './database.ts';

/** How many workers an event has ended that had nothing else in hand, since it was last marked dead. */
export async function countCrashes(tx: LedgerTransaction, ledgerId: number): Promise<number> {
  const { count } = await tx
    .selectFrom('crashes')
    .innerJoin('ledger', 'ledger.id', 'crashes.ledger_id')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('crashes.ledger_id', '=', ledgerId)
    .where(({ eb, or }) =>
      or([eb('ledger.state', '!=', 'dead'), eb('crashes.started_at', '>', eb.ref('ledger.finished_at'))]),
    )
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Writes down that an event is about to be run alone; gives the trial's key. */
export async function beginTrial(
  tx: LedgerTransaction,
  { ledgerId, worker }: { readonly ledgerId: number; readonly worker: string },
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    insert into crashes (ledger_id, worker, number)
    select ${ledgerId}, ${worker}, coalesce(max(number), 0) + 1 from crashes where ledger_id = ${ledgerId}
    returning id`.execute(tx);
  return rows[0]?.id ?? 0;
}

/** The worker has outlived the trial: it was no crash. */
export async function endTrial(db: LedgerDatabase, id: number): Promise<void> {
  await db.deleteFrom('crashes').where('id', '=', id).execute();
}
