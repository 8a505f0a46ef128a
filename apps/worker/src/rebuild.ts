import { PermanentError } from '@penstock/core/failure';
import { foldPayment, foldPayout, type KeyedFact } from '@penstock/core/payment';
import { canonicalType, paymentFactSchema, type PaymentFact } from '@penstock/core/payment-event';
import type { EndpointSettings, Provider } from '@penstock/core/provider';
import type { LedgerDatabase, LedgerTransaction } from '@penstock/db/database';
import {
  eventsFoldedSince,
  foldedEvents,
  liveFactsOf,
  measureLedger,
  type FoldedEvent,
} from '@penstock/db/folded-events';
import { namesOf } from '@penstock/db/payment-references';
import {
  adoptShadow,
  assignShadowKeys,
  compareWithShadow,
  createShadow,
  dropShadow,
  expectWholeTables,
  indexShadow,
  insertIntoShadow,
  lockProjections,
  type Difference,
} from '@penstock/db/shadow';
import { setOf } from '@penstock/db/set-of';
import { sql } from 'kysely';
import { factsOf } from './confirm-delivery.ts';
import { createNameComponents, type NameComponents } from './name-components.ts';
import { disputeRow, paymentRow, payoutRow, refundRow, type ProjectionRow } from '@penstock/db/projection-rows';

/** What rebuilding needs of the world. */
export interface RebuildWorld {
  readonly db: LedgerDatabase;
  readonly provider: (id: string) => Provider | undefined;
  readonly settingsOf: (endpoint: string) => EndpointSettings | undefined;
  /** Told after each batch. */
  readonly onProgress?: (progress: {
    readonly phase: 'reading' | 'folding';
    readonly done: number;
    readonly of: number;
  }) => void;
  readonly signal?: AbortSignal;
}

export interface Rebuilt {
  readonly events: number;
  readonly facts: number;
  readonly differences: readonly Difference[];
  readonly adopted: boolean;
}

/** Events, or facts, in hand at once. */
const BATCH_MAX = 2_000;

/**
 * Reads every stored event again, folds what it says into tables beside the
 * live ones, and compares the two row by row. Events may keep coming: those
 * folded meanwhile are read before the comparison, which sees one moment. With
 * `adopt` the live rows become the shadow's in that same transaction; workers
 * wait for it, and nothing is seen half-way.
 */
export async function rebuild(
  world: RebuildWorld,
  options: { readonly schema: string; readonly adopt: boolean; readonly keep: boolean },
): Promise<Rebuilt> {
  const { db } = world;
  const { schema } = options;
  const reading: Reading = { world, schema, components: createNameComponents(), events: 0, facts: 0 };
  await createShadow(db, schema, { keep: options.keep });
  try {
    await readAll(reading);
    return await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (tx) => {
        if (options.adopt) await lockProjections(tx);
        // Whole tables are folded and compared: longer than an event's statement may take.
        await sql`set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0`.execute(tx);
        const since = await readAgain(reading, await eventsFoldedSince(tx, schema), tx);
        await insertIntoShadow(tx, { schema, table: 'payment_facts' }, since);
        await expectWholeTables(tx);
        await nameAll(reading, tx);
        await assignShadowKeys(tx, schema);
        await foldAll(reading, tx);
        const differences = await compareWithShadow(tx, schema);
        if (options.adopt) await adoptShadow(tx, schema);
        if (options.keep) await indexShadow(tx, schema);
        return { events: reading.events, facts: reading.facts, differences, adopted: options.adopt };
      });
  } finally {
    if (!options.keep) await dropShadow(db, schema);
  }
}

interface Reading {
  readonly world: RebuildWorld;
  readonly schema: string;
  readonly components: NameComponents;
  events: number;
  facts: number;
}

async function readAll(reading: Reading): Promise<void> {
  const { db, onProgress, signal } = reading.world;
  const { lastId, count } = await measureLedger(db);
  const batchAfter = (afterId: number) => foldedEvents(db, { afterId, uptoId: lastId, limit: BATCH_MAX });
  // The database reads one batch and writes another while a third is translated.
  let next = batchAfter(0);
  let writing: Promise<void> = Promise.resolve();
  try {
    for (let isLast = false; !isLast;) {
      const batch = await next;
      isLast = batch.length < BATCH_MAX;
      next = isLast ? Promise.resolve([]) : batchAfter(batch.at(-1)?.id ?? lastId);
      signal?.throwIfAborted();
      const rows = await readAgain(reading, batch, db);
      await writing;
      writing = insertIntoShadow(db, { schema: reading.schema, table: 'payment_facts' }, rows);
      onProgress?.({ phase: 'reading', done: reading.events, of: count });
    }
    await writing;
  } catch (error) {
    await Promise.allSettled([next, writing]);
    throw error;
  }
}

/**
 * Translates events again: what they say, each fact with its component in its
 * key's place. Of an event past its retention the live facts
 * are taken as they are: its bytes are gone, what it said is not.
 */
async function readAgain(
  reading: Reading,
  events: readonly FoldedEvent[],
  db: LedgerDatabase | LedgerTransaction,
): Promise<readonly FactRow[]> {
  const gone = events.filter(({ body }) => body === null).map(({ id }) => id);
  const kept = await liveFactsOf(db, gone);
  const rows = events.flatMap((event) =>
    (kept.get(event.id) ?? translate(event, reading.world)).map((fact, ordinal) => ({
      event_id: event.id,
      ordinal,
      account: event.account,
      provider_event_id: event.providerEventId,
      // Negative: no live payment has such a key. Component 0 is -1.
      payment_key: fact.kind === 'payout' ? null : -1 - reading.components.join(event.account, namesOf(fact)),
      payout_id: fact.kind === 'payout' ? fact.id : null,
      type: canonicalType(fact),
      occurred_at: new Date(fact.occurredAtMs).toISOString(),
      fact,
    })),
  );
  reading.events += events.length;
  reading.facts += rows.length;
  return rows;
}

type FactRow = ProjectionRow<'payment_facts'>;

function translate(event: FoldedEvent, world: RebuildWorld): readonly PaymentFact[] {
  const { tier, body, answer } = event;
  if (tier === null || body === null) return [];
  const provider = world.provider(event.provider);
  if (provider === undefined)
    throw new PermanentError('provider_unknown', `this version has no provider named ${event.provider}`);
  return factsOf({ tier, body }, { provider, settings: world.settingsOf(event.endpoint), answer });
}

/** Names are joined until the last event is read; only then is it known what stands for each. */
async function nameAll({ components, schema }: Reading, tx: LedgerTransaction): Promise<void> {
  let batch: { readonly account: string; readonly reference: string; readonly component: number }[] = [];
  const roots = new Map<number, number>();
  for (const { account, reference, node } of components.names()) {
    const root = components.rootOf(node);
    if (root !== node) roots.set(node, root);
    batch.push({ account, reference, component: root + 1 });
    if (batch.length < BATCH_MAX) continue;
    await insertIntoShadow(tx, { schema, table: 'names' }, batch);
    batch = [];
  }
  await insertIntoShadow(tx, { schema, table: 'names' }, batch);
  // A fact was stored under what stood for its names then.
  const moved = [...roots].map(([node, root]) => ({ from: -1 - node, to: -1 - root }));
  await sql`
    update ${sql.id(schema, 'payment_facts')} as fact set payment_key = moved."to"
    from ${setOf('moved', { from: 'bigint', to: 'bigint' }, moved)}
    where fact.payment_key = moved."from"`.execute(tx);
}

/** Folds every payment and payout, in the order of their keys, from the shadow's facts. */
async function foldAll({ world, schema, facts }: Reading, tx: LedgerTransaction): Promise<void> {
  let done = 0;
  for (const owner of ['payment_key', 'payout_id'] as const) {
    let pending: StoredFact[] = [];
    for await (const batch of storedFacts(tx, { schema, owner })) {
      world.signal?.throwIfAborted();
      pending.push(...batch);
      // The last owner of a batch may have more facts in the next one.
      const last = ownerOf(pending.at(-1));
      const cut = pending.findIndex((fact) => ownerOf(fact) === last);
      await foldOwners(pending.slice(0, cut), { schema, owner }, tx);
      pending = pending.slice(cut);
      done += batch.length;
      world.onProgress?.({ phase: 'folding', done, of: facts });
    }
    await foldOwners(pending, { schema, owner }, tx);
  }
}

interface StoredFact {
  readonly event_id: number;
  readonly ordinal: number;
  readonly account: string;
  readonly provider: string;
  readonly provider_event_id: string;
  readonly payment_key: number | null;
  readonly payout_id: string | null;
  readonly fact: unknown;
}

function ownerOf(fact: StoredFact | undefined): string {
  return `${fact?.account ?? ''} ${fact?.payment_key ?? fact?.payout_id ?? ''}`;
}

/** Facts in the order of whom they belong to, by a server-side cursor. */
async function* storedFacts(
  tx: LedgerTransaction,
  from: { readonly schema: string; readonly owner: 'payment_key' | 'payout_id' },
): AsyncGenerator<readonly StoredFact[]> {
  const cursor = sql.id(`facts_by_${from.owner}`);
  await sql`
    declare ${cursor} no scroll cursor for
    select fact.event_id, fact.ordinal, fact.account, ledger.provider, fact.provider_event_id, fact.payment_key,
           fact.payout_id, fact.fact
    from ${sql.id(from.schema, 'payment_facts')} as fact join public.ledger on ledger.id = fact.event_id
    where fact.${sql.id(from.owner)} is not null
    order by ${from.owner === 'payment_key' ? sql`fact.payment_key` : sql`fact.account collate "C", fact.payout_id collate "C"`}`.execute(
    tx,
  );
  const fetch = () => sql<StoredFact>`fetch ${sql.lit(BATCH_MAX)} from ${cursor}`.execute(tx);
  let next = fetch();
  for (;;) {
    const { rows } = await next;
    if (rows.length === 0) break;
    // The database reads on while what it has read is folded.
    next = fetch();
    // Where the folding fails, nobody waits for it any more.
    next.catch(() => undefined);
    yield rows;
  }
  // While it is open, the table that it reads cannot be given indexes.
  await sql`close ${cursor}`.execute(tx);
}

async function foldOwners(
  facts: readonly StoredFact[],
  into: { readonly schema: string; readonly owner: 'payment_key' | 'payout_id' },
  tx: LedgerTransaction,
): Promise<void> {
  const { schema, owner } = into;
  const groups = Map.groupBy(facts, ownerOf);
  const families = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const keyed: KeyedFact[] = group.map((row) => ({
      eventId: row.provider_event_id,
      ordinal: row.ordinal,
      fact: paymentFactSchema.parse(row.fact),
    }));
    return [{ owner: first, keyed }];
  });
  if (owner === 'payout_id') {
    const rows = families.map(({ owner: { account, provider }, keyed }) =>
      payoutRow({ account, provider }, foldPayout(keyed)),
    );
    return insertIntoShadow(tx, { schema, table: 'payouts' }, rows);
  }
  const folded = families.map(({ owner: first, keyed }) => ({
    of: { account: first.account, provider: first.provider, paymentKey: first.payment_key ?? 0 },
    family: foldPayment(keyed),
  }));
  await insertIntoShadow(
    tx,
    { schema, table: 'payments' },
    folded.map(({ of, family }) => paymentRow(of, family.payment)),
  );
  await insertIntoShadow(
    tx,
    { schema, table: 'refunds' },
    folded.flatMap(({ of, family }) => family.refunds.map((refund) => refundRow(of, refund))),
  );
  await insertIntoShadow(
    tx,
    { schema, table: 'disputes' },
    folded.flatMap(({ of, family }) => family.disputes.map((dispute) => disputeRow(of, dispute))),
  );
}
