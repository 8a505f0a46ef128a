import { sql } from 'kysely';
import type { LedgerDatabase } from '@penstock/db/database';
import { persist } from './ledger-questions.ts';
import type { ChaosEvent, ExpectedPayment } from './lives.ts';
import type { SentEvent } from './provider.ts';

/** What did not come out as promised; each a sentence that names the event or payment. */
export interface Judgement {
  /** Acknowledged, and neither processed nor dead; or an effect that never happened. */
  readonly lost: readonly string[];
  /** An effect that happened more than once. */
  readonly duplicated: readonly string[];
  /** Anything else that is not as it must be. */
  readonly wrong: readonly string[];
}

/** What a handler that was told to fail leaves as its reason. */
const TOLD_TO_DIE = 'chaos_poison';

/** Compares what the ledger came to with what was sent, acknowledged and told to fail. */
export async function judge(
  db: LedgerDatabase,
  oracle: { readonly sent: readonly SentEvent[]; readonly payments: readonly ExpectedPayment[] },
): Promise<Judgement> {
  const lost: string[] = [];
  const duplicated: string[] = [];
  const wrong: string[] = [];
  const ledger = await readLedger(db);
  const effects = await readEffects(db);

  for (const { event, acknowledged } of oracle.sent) {
    const entries = ledger.get(event.id) ?? [];
    ledger.delete(event.id);
    if (!acknowledged) wrong.push(`${event.id} was never acknowledged, though all was well again`);
    if (entries.length > 1) duplicated.push(`${event.id} stands in the ledger ${entries.length} times`);
    const [entry] = entries;
    if (entry === undefined) {
      if (acknowledged) lost.push(`${event.id} was acknowledged and is not in the ledger`);
      continue;
    }
    if (entry.state === 'received') lost.push(`${event.id} was acknowledged and is still not finished`);
    wrong.push(...wrongEnd(event, entry));
    compareEffects(event, { effects: effects.get(event.id) ?? new Map(), state: entry.state, lost, duplicated, wrong });
    effects.delete(event.id);
  }
  for (const id of ledger.keys()) wrong.push(`${id} is in the ledger and was never sent`);
  for (const id of effects.keys()) wrong.push(`${id} took effect and is not in the ledger`);
  wrong.push(...(await comparePayments(db, oracle.payments)));
  const { rows } = await persist(() => sql<{ id: string }>`select provider_event_id as id from collisions`.execute(db));
  for (const { id } of rows) wrong.push(`${id} was taken for a collision`);
  return { lost, duplicated, wrong };
}

interface Entry {
  readonly state: string;
  readonly failureCode: string | null;
}

function wrongEnd(event: ChaosEvent, { state, failureCode }: Entry): readonly string[] {
  if (event.fate === 'dead' && state === 'processed') return [`${event.id} was processed though its handler cannot`];
  if (event.fate === 'dead' && state === 'dead' && failureCode !== TOLD_TO_DIE)
    return [`${event.id} died of ${failureCode}, not of what its handler was told`];
  if (event.fate !== 'dead' && state === 'dead')
    return [`${event.id} is dead of ${failureCode} and nobody told it to be`];
  if (state === 'ignored') return [`${event.id} was ignored though handlers cover it`];
  return [];
}

function compareEffects(
  event: ChaosEvent,
  found: {
    readonly effects: ReadonlyMap<string, number>;
    readonly state: string;
    readonly lost: string[];
    readonly duplicated: string[];
    readonly wrong: string[];
  },
): void {
  for (const [handler, times] of found.effects) {
    if (times > 1) found.duplicated.push(`${event.id}: ${handler} took effect ${times} times`);
    if (!event.effects.includes(handler)) found.wrong.push(`${event.id}: ${handler} took effect and must not`);
  }
  if (found.state === 'received') return;
  for (const handler of event.effects)
    if (!found.effects.has(handler)) found.lost.push(`${event.id} is ${found.state} and ${handler} never took effect`);
}

async function readLedger(db: LedgerDatabase): Promise<Map<string, Entry[]>> {
  const rows = await persist(() =>
    db.selectFrom('ledger').select(['provider_event_id', 'state', 'failure_code']).execute(),
  );
  const entries = new Map<string, Entry[]>();
  for (const row of rows) {
    const entry = { state: row.state, failureCode: row.failure_code };
    entries.set(row.provider_event_id, [...(entries.get(row.provider_event_id) ?? []), entry]);
  }
  return entries;
}

async function readEffects(db: LedgerDatabase): Promise<Map<string, Map<string, number>>> {
  const { rows } = await persist(() =>
    sql<{
      event_id: string;
      handler: string;
      times: number;
    }>`select event_id, handler, count(*)::int as times from chaos_effects group by event_id, handler`.execute(db),
  );
  const effects = new Map<string, Map<string, number>>();
  for (const row of rows)
    effects.set(row.event_id, (effects.get(row.event_id) ?? new Map<string, number>()).set(row.handler, row.times));
  return effects;
}

async function comparePayments(db: LedgerDatabase, expected: readonly ExpectedPayment[]): Promise<readonly string[]> {
  const rows = await persist(() =>
    db
      .selectFrom('payments')
      .innerJoin('payment_references', 'payment_references.payment_key', 'payments.key')
      .select([
        'payment_references.account',
        'payment_references.reference',
        'payments.status',
        'payments.amount',
        'payments.amount_captured as captured',
        'payments.amount_refunded as refunded',
        'payments.conflict',
      ])
      .execute(),
  );
  const found = new Map(rows.map(({ account, reference, ...payment }) => [`${account} ${reference}`, payment]));
  return expected.flatMap(({ account, reference, ...payment }) => {
    const wanted = JSON.stringify({ ...payment, conflict: null });
    const stands = JSON.stringify(found.get(`${account} ${reference}`) ?? null);
    return wanted === stands ? [] : [`${reference} is ${stands}, must be ${wanted}`];
  });
}
