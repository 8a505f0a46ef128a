import { PermanentError } from '@penstock/core/failure';
import { canonicalType, type PaymentFact } from '@penstock/core/payment-event';
import type { EndpointSettings, Provider } from '@penstock/core/provider';
import type { LedgerDatabase, LedgerTransaction } from '@penstock/db/database';
import {
  eventsFoldedSince,
  foldedEvents,
  liveFactsOf,
  measureLedger,
  nextEventId,
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
  type StepRow,
} from '@penstock/db/shadow';
import { sql } from 'kysely';
import { factsOf } from './confirm-delivery.ts';
import { foldShadow } from './fold-shadow.ts';
import { createNameComponents, type NamedNode, type NameComponents } from './name-components.ts';

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

/** Events in hand at once; of more V8's young generation is too small, and collecting them costs a sixth more. */
const BATCH_MAX = 500;

/** Names, each of two numbers, in hand at once. */
const NAMES_MAX = 20_000;

/**
 * Reads every stored event again, folds what it says into tables beside the
 * live ones, and compares the two row by row. Events may keep coming: those
 * folded meanwhile are read before the comparison, which sees one moment. With
 * `adopt` the live rows become the shadow's in that same transaction; workers
 * wait for it, and nothing is seen half-way.
 */
export async function rebuild(
  world: RebuildWorld,
  options: {
    readonly schema: string;
    readonly adopt: boolean;
    readonly keep: boolean;
    /** Done in the transaction in which the live rows are replaced. */
    readonly onAdopt?: (tx: LedgerTransaction, rebuilt: Rebuilt) => Promise<void>;
  },
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
        await insertTold(tx, schema, since);
        await expectWholeTables(tx);
        await joinNames(reading, tx);
        await assignShadowKeys(tx, schema, options);
        await foldShadow(tx, {
          schema,
          onBatch: (done) => {
            world.signal?.throwIfAborted();
            world.onProgress?.({ phase: 'folding', done, of: reading.facts });
          },
        });
        const differences = await compareWithShadow(tx, schema);
        const rebuilt = { events: reading.events, facts: reading.facts, differences, adopted: options.adopt };
        if (options.adopt) {
          await adoptShadow(tx, schema);
          await options.onAdopt?.(tx, rebuilt);
        }
        if (options.keep) await indexShadow(tx, schema);
        return rebuilt;
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
  const readAfter = async (afterId: number): Promise<Batch> => {
    const uptoId = Math.min(afterId + BATCH_MAX, lastId);
    const events = await foldedEvents(db, { afterId, uptoId });
    if (events.length > 0 || uptoId === lastId) return { events, uptoId };
    // There may be no ids for a long while.
    return { events, uptoId: Math.min((await nextEventId(db, uptoId)) ?? lastId, lastId) - 1 };
  };
  // The database reads one batch and writes another while a third is translated.
  let next: Promise<Batch | null> = readAfter(0);
  let writing: Promise<void> = Promise.resolve();
  try {
    for (let batch = await next; batch !== null; batch = await next) {
      next = batch.uptoId < lastId ? readAfter(batch.uptoId) : Promise.resolve(null);
      signal?.throwIfAborted();
      const told = await readAgain(reading, batch.events, db);
      await writing;
      writing = insertTold(db, reading.schema, told);
      onProgress?.({ phase: 'reading', done: reading.events, of: count });
    }
    await writing;
  } catch (error) {
    await Promise.allSettled([next, writing]);
    throw error;
  }
}

interface Batch {
  readonly events: readonly FoldedEvent[];
  /** It has all events up to this one. */
  readonly uptoId: number;
}

/** What events tell, and the names that were not told before. */
interface Told {
  readonly facts: readonly StepRow<'told_facts'>[];
  readonly names: readonly NamedNode[];
}

async function insertTold(db: LedgerDatabase | LedgerTransaction, schema: string, told: Told): Promise<void> {
  await insertIntoShadow(db, { schema, table: 'told_facts' }, told.facts);
  await insertIntoShadow(db, { schema, table: 'names' }, told.names);
}

/**
 * Translates events again. Of an event past its retention the live facts are
 * taken as they are: its bytes are gone, what it said is not.
 */
async function readAgain(
  reading: Reading,
  events: readonly FoldedEvent[],
  db: LedgerDatabase | LedgerTransaction,
): Promise<Told> {
  const gone = events.filter(({ body }) => body === null).map(({ id }) => id);
  const kept = await liveFactsOf(db, gone);
  const facts = events.flatMap((event) =>
    (kept.get(event.id) ?? translate(event, reading.world)).map((fact, ordinal) => ({
      event_id: event.id,
      ordinal,
      account: event.account,
      provider: event.provider,
      provider_event_id: event.providerEventId,
      node: fact.kind === 'payout' ? null : reading.components.join(event.account, namesOf(fact)),
      payout_id: fact.kind === 'payout' ? fact.id : null,
      type: canonicalType(fact),
      occurred_at: new Date(fact.occurredAtMs).toISOString(),
      fact,
    })),
  );
  reading.events += events.length;
  reading.facts += facts.length;
  return { facts, names: reading.components.takeNew() };
}

function translate(event: FoldedEvent, world: RebuildWorld): readonly PaymentFact[] {
  const { tier, body, answer } = event;
  if (tier === null || body === null) return [];
  const provider = world.provider(event.provider);
  if (provider === undefined)
    throw new PermanentError('provider_unknown', `this version has no provider named ${event.provider}`);
  return factsOf({ tier, body }, { provider, settings: world.settingsOf(event.endpoint), answer });
}

/** Names are joined until the last event is read; only then is it known which of them are one payment. */
async function joinNames({ components, schema }: Reading, tx: LedgerTransaction): Promise<void> {
  for (const batch of batches(components.roots(), NAMES_MAX))
    await insertIntoShadow(tx, { schema, table: 'components' }, batch);
}

function* batches<Item>(items: Iterable<Item>, size: number): Generator<readonly Item[]> {
  let batch: Item[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
