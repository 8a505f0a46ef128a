import { sql, type KyselyPlugin } from 'kysely';
import { applyFacts } from './apply-facts.ts';
import { askedHandlersOf, strikeAskedHandlers } from './asked-handlers.ts';
import { recordAttempt } from './attempts.ts';
import { recordCollision } from './collisions.ts';
import { findConfirmation, storeConfirmation } from './confirmations.ts';
import { beginTrial, countCrashes, endTrial } from './crashes.ts';
import {
  IDLE_TIMEOUT_MS,
  isDatabaseOutage,
  type LedgerDatabase,
  type LedgerTransaction,
  STATEMENT_TIMEOUT_MS,
} from './database.ts';
import { recordDelivery } from './deliveries.ts';
import { deliveryOfStoredEvent, storedBody, storeEvent } from './events.ts';
import { handlerRunsOf, recordHandlerRuns } from './handler-runs.ts';
import {
  enterLedger,
  findDeath,
  finishLedger,
  latestDeaths,
  ledgerStandingOf,
  recordDeath,
  recordFailure,
  unfinishedEvents,
} from './ledger.ts';
import { createMonthsOf, isMonthMissing } from './months.ts';
import { addToOutbox } from './outbox.ts';
import { bindTransmission, findTransmission } from './transmissions.ts';

/** A question of a table's file, already bound to its connection: what it promises is said there. */
export type Bound<Question> = Question extends (connection: LedgerTransaction, ...given: infer Given) => infer Answer
  ? (...given: Given) => Answer
  : never;

/** What is asked and told of one event inside a transaction. */
interface EventQuestions {
  readonly enterLedger: Bound<typeof enterLedger>;
  readonly finishLedger: Bound<typeof finishLedger>;
  readonly recordFailure: Bound<typeof recordFailure>;
  readonly recordDeath: Bound<typeof recordDeath>;
  readonly recordAttempt: Bound<typeof recordAttempt>;
  readonly recordDelivery: Bound<typeof recordDelivery>;
  readonly recordCollision: Bound<typeof recordCollision>;
  readonly storeEvent: Bound<typeof storeEvent>;
  readonly storedBody: Bound<typeof storedBody>;
  readonly storeConfirmation: Bound<typeof storeConfirmation>;
  readonly findTransmission: Bound<typeof findTransmission>;
  readonly bindTransmission: Bound<typeof bindTransmission>;
  readonly applyFacts: Bound<typeof applyFacts>;
  readonly handlerRunsOf: Bound<typeof handlerRunsOf>;
  readonly recordHandlerRuns: Bound<typeof recordHandlerRuns>;
  readonly askedHandlersOf: Bound<typeof askedHandlersOf>;
  readonly strikeAskedHandlers: Bound<typeof strikeAskedHandlers>;
  readonly addToOutbox: Bound<typeof addToOutbox>;
  readonly countCrashes: Bound<typeof countCrashes>;
  readonly beginTrial: Bound<typeof beginTrial>;
}

/** What is asked outside any transaction, and locks nothing. */
interface StandingQuestions {
  readonly findConfirmation: Bound<typeof findConfirmation>;
  readonly findTransmission: Bound<typeof findTransmission>;
  readonly findDeath: Bound<typeof findDeath>;
  readonly ledgerStandingOf: Bound<typeof ledgerStandingOf>;
  readonly unfinishedEvents: Bound<typeof unfinishedEvents>;
  readonly latestDeaths: Bound<typeof latestDeaths>;
  readonly deliveryOfStoredEvent: Bound<typeof deliveryOfStoredEvent>;
  readonly endTrial: Bound<typeof endTrial>;
  readonly createMonthsOf: Bound<typeof createMonthsOf>;
}

/** What a handler's work is given: all of it is taken back where the work throws. */
export interface SavepointScope {
  /** The ledger's own transaction. */
  readonly tx: LedgerTransaction;
  readonly addToOutbox: EventQuestions['addToOutbox'];
}

/** What became of work under a savepoint. */
export type SavepointOutcome = { readonly kind: 'kept' } | { readonly kind: 'taken back'; readonly thrown: unknown };

/** One transaction of the ledger: everything that is told to it commits together, or not at all. */
export interface EventTransaction extends EventQuestions {
  /**
   * Runs work under a savepoint of its own: what it wrote is taken back where it
   * throws, and the rest of the transaction stays. `refuse` is called before
   * each of its queries, and throws where there shall be no more of them.
   * Rejects only where the transaction itself is lost.
   */
  readonly underSavepoint: (
    limits: { readonly timeoutMs: number; readonly refuse: () => void },
    work: (scope: SavepointScope) => Promise<void>,
  ) => Promise<SavepointOutcome>;
}

/**
 * The ledger, as everything that processes events knows it: PostgreSQL, or the
 * memory of a simulation. One conformance suite (tests/ledger-store.test.ts).
 */
export interface LedgerStore extends StandingQuestions {
  /** Commits what the work told where it resolves, and nothing of it where it rejects, which is then passed on. */
  readonly transaction: <T>(work: (tx: EventTransaction) => Promise<T>) => Promise<T>;
  /** Runs the work unless another process of the fleet is at work under this name; null then. */
  readonly exclusively: <T>(name: ExclusiveWork, work: () => Promise<T>) => Promise<T | null>;
  /** Whether a fault lies with the store rather than with the event. */
  readonly isOutage: (thrown: unknown) => boolean;
  /** Whether a fault is that the month of a row was never made. */
  readonly isMonthMissing: (thrown: unknown) => boolean;
}

/** What one process of the fleet does at a time, by its number in PostgreSQL's space of advisory locks. */
const exclusiveWork = { sweep: 7_365_706 } as const;
export type ExclusiveWork = keyof typeof exclusiveWork;

/** The ledger in PostgreSQL. */
export function openLedgerStore(db: LedgerDatabase): LedgerStore {
  return {
    transaction: (work) => db.transaction().execute((tx) => work(eventTransaction(tx))),
    exclusively: (name, work) =>
      db.transaction().execute(async (lock) => {
        const key = exclusiveWork[name];
        const {
          rows: [row],
        } = await sql<{ held: boolean }>`select pg_try_advisory_xact_lock(${key}) as held`.execute(lock);
        if (row?.held !== true) return null;
        // It holds the lock, nothing else, for as long as the work takes.
        await sql`set local idle_in_transaction_session_timeout = 0`.execute(lock);
        return work();
      }),
    isOutage: isDatabaseOutage,
    isMonthMissing,
    findConfirmation: (...given) => findConfirmation(db, ...given),
    findTransmission: (...given) => findTransmission(db, ...given),
    findDeath: (...given) => findDeath(db, ...given),
    ledgerStandingOf: (...given) => ledgerStandingOf(db, ...given),
    unfinishedEvents: (...given) => unfinishedEvents(db, ...given),
    latestDeaths: (...given) => latestDeaths(db, ...given),
    deliveryOfStoredEvent: (...given) => deliveryOfStoredEvent(db, ...given),
    endTrial: (...given) => endTrial(db, ...given),
    createMonthsOf: (...given) => createMonthsOf(db, ...given),
  };
}

/** The questions of an event, bound to a transaction of PostgreSQL's. */
export function eventTransaction(tx: LedgerTransaction): EventTransaction {
  return {
    enterLedger: (...given) => enterLedger(tx, ...given),
    finishLedger: (...given) => finishLedger(tx, ...given),
    recordFailure: (...given) => recordFailure(tx, ...given),
    recordDeath: (...given) => recordDeath(tx, ...given),
    recordAttempt: (...given) => recordAttempt(tx, ...given),
    recordDelivery: (...given) => recordDelivery(tx, ...given),
    recordCollision: (...given) => recordCollision(tx, ...given),
    storeEvent: (...given) => storeEvent(tx, ...given),
    storedBody: (...given) => storedBody(tx, ...given),
    storeConfirmation: (...given) => storeConfirmation(tx, ...given),
    findTransmission: (...given) => findTransmission(tx, ...given),
    bindTransmission: (...given) => bindTransmission(tx, ...given),
    applyFacts: (...given) => applyFacts(tx, ...given),
    handlerRunsOf: (...given) => handlerRunsOf(tx, ...given),
    recordHandlerRuns: (...given) => recordHandlerRuns(tx, ...given),
    askedHandlersOf: (...given) => askedHandlersOf(tx, ...given),
    strikeAskedHandlers: (...given) => strikeAskedHandlers(tx, ...given),
    addToOutbox: (...given) => addToOutbox(tx, ...given),
    countCrashes: (...given) => countCrashes(tx, ...given),
    beginTrial: (...given) => beginTrial(tx, ...given),
    underSavepoint: async ({ timeoutMs, refuse }, work) => {
      // Its statements end with its time, or the roll-back would wait behind one that does not; and between them it may do something else for as long.
      await sql.raw(`savepoint handler; ${limitsOf({ statementMs: timeoutMs, idleMs: timeoutMs })}`).execute(tx);
      try {
        const guarded = tx.withPlugin(beforeEachQuery(refuse));
        await work({ tx: guarded, addToOutbox: (...given) => addToOutbox(guarded, ...given) });
        // Refused where the work swallowed a database error: what it wrote is lost, so it has failed.
        await sql
          .raw(`release savepoint handler; ${limitsOf({ statementMs: STATEMENT_TIMEOUT_MS, idleMs: timeoutMs })}`)
          .execute(tx);
        return { kind: 'kept' };
      } catch (thrown) {
        // What the error says does not tell whose database is away: a handler may ask others. That this succeeds tells that ours is there.
        await sql.raw('rollback to savepoint handler; release savepoint handler').execute(tx);
        return { kind: 'taken back', thrown };
      }
    },
  };
}

/** Idle sessions have a time of their own, which is set anew only where a handler may take longer. */
function limitsOf({ statementMs, idleMs }: { readonly statementMs: number; readonly idleMs: number }): string {
  const statement = `set local statement_timeout = ${statementMs}`;
  if (idleMs < IDLE_TIMEOUT_MS) return statement;
  return `${statement}; set local idle_in_transaction_session_timeout = ${idleMs + IDLE_TIMEOUT_MS}`;
}

function beforeEachQuery(refuse: () => void): KyselyPlugin {
  return {
    transformQuery: ({ node }) => {
      refuse();
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}
