import type { Delivery } from '@penstock/core/delivery';
import type { Failure } from '@penstock/core/failure';
import type { KeyedFact, PaymentFamily } from '@penstock/core/payment';
import type { PromisedMessage } from '@penstock/db/outbox';
import type { DeathReason, HandlerRunState, LedgerState } from '@penstock/db/schema';

/** The rows of the ledger's tables, as far as processing an event asks about them. */
export interface MemoryRows {
  readonly ledger: LedgerRow;
  readonly events: Delivery;
  readonly transmissions: { readonly ledgerId: number; readonly bodySha256: string };
  readonly collisions: { readonly ledgerId: number; readonly kind: string; readonly bodySha256: string };
  readonly confirmations: Buffer;
  readonly attempts: { readonly ledgerId: number; readonly number: number; readonly code: string };
  readonly runs: {
    readonly ledgerId: number;
    readonly handler: string;
    readonly state: HandlerRunState;
    readonly failure: Failure | null;
  };
  readonly facts: {
    readonly account: string;
    readonly ledgerId: number;
    readonly payment: number;
    readonly keyed: KeyedFact;
  };
  readonly payments: { readonly account: string; readonly names: ReadonlySet<string>; readonly family: PaymentFamily };
  readonly outbox: PromisedMessage;
  readonly crashes: { readonly ledgerId: number; readonly startedAt: Date };
}

interface LedgerRow {
  readonly id: number;
  readonly account: string;
  readonly eventId: string;
  readonly jobId: string;
  readonly bodySha256: string;
  readonly state: LedgerState;
  readonly attempts: number;
  readonly touchedAt: Date;
  readonly finishedAt: Date | null;
  readonly failure: Failure | null;
  readonly firstFailure: Failure | null;
  readonly reason: DeathReason | null;
}

export type TableName = keyof MemoryRows;
type Tables<Empty = never> = { readonly [Name in TableName]: Map<string, MemoryRows[Name] | Empty> };

function emptyTables<Empty>(): Tables<Empty> {
  return {
    ledger: new Map(),
    events: new Map(),
    transmissions: new Map(),
    collisions: new Map(),
    confirmations: new Map(),
    attempts: new Map(),
    runs: new Map(),
    facts: new Map(),
    payments: new Map(),
    outbox: new Map(),
    crashes: new Map(),
  };
}

const tableNames = Object.keys(emptyTables()).filter((name): name is TableName => name in emptyTables());

/** What is committed, and who holds which lock; shared by every process of a world. */
export interface MemoryTables {
  readonly committed: Tables;
  /** As identity columns are: what was taken is not given back by a roll-back. */
  readonly nextId: () => number;
  readonly begin: () => MemoryTransaction;
  /** How many transactions were committed. */
  readonly commits: () => number;
}

/**
 * A transaction, read committed: it sees what is committed and what it wrote
 * itself; others see that once it commits. A lock is held until it ends.
 */
export interface MemoryTransaction {
  readonly get: <Name extends TableName>(table: Name, key: string) => MemoryRows[Name] | undefined;
  readonly all: <Name extends TableName>(table: Name) => readonly (readonly [string, MemoryRows[Name]])[];
  readonly put: <Name extends TableName>(table: Name, key: string, row: MemoryRows[Name]) => void;
  readonly remove: (table: TableName, key: string) => void;
  readonly lock: (name: string) => Promise<void>;
  /** Returns what takes back everything written since. */
  readonly savepoint: () => () => void;
  readonly commit: () => void;
  readonly rollback: () => void;
}

export function createMemoryTables(): MemoryTables {
  const committed = emptyTables<never>();
  const locks = new Map<
    string,
    { holder: symbol; readonly waiting: { readonly who: symbol; readonly grant: () => void }[] }
  >();
  let lastId = 0;
  let commits = 0;

  const release = (who: symbol): void => {
    for (const [name, lock] of locks) {
      const left = lock.waiting.filter((waiting) => waiting.who !== who);
      lock.waiting.splice(0, lock.waiting.length, ...left);
      if (lock.holder !== who) continue;
      const next = lock.waiting.shift();
      if (next === undefined) locks.delete(name);
      else {
        lock.holder = next.who;
        next.grant();
      }
    }
  };

  const begin = (): MemoryTransaction => {
    const who = Symbol('transaction');
    let own = emptyTables<null>();
    const get = <Name extends TableName>(table: Name, key: string): MemoryRows[Name] | undefined => {
      const written: MemoryRows[Name] | null | undefined = own[table].get(key);
      return written === undefined ? committed[table].get(key) : (written ?? undefined);
    };
    const applyTable = <Name extends TableName>(name: Name): void => {
      for (const [key, row] of own[name]) {
        const written: MemoryRows[Name] | null = row;
        if (written === null) committed[name].delete(key);
        else committed[name].set(key, written);
      }
    };
    return {
      get,
      all: <Name extends TableName>(table: Name) => {
        const keys = new Set([...committed[table].keys(), ...own[table].keys()]);
        return [...keys].flatMap((key) => {
          const row = get(table, key);
          return row === undefined ? [] : [[key, row] as const];
        });
      },
      put: (table, key, row) => void own[table].set(key, row),
      remove: (table, key) => void own[table].set(key, null),
      lock: async (name) => {
        const lock = locks.get(name);
        if (lock === undefined) locks.set(name, { holder: who, waiting: [] });
        else if (lock.holder !== who) {
          const turn = Promise.withResolvers<void>();
          lock.waiting.push({ who, grant: turn.resolve });
          await turn.promise;
        }
      },
      savepoint: () => {
        const before = copyOf(own);
        return () => {
          own = before;
        };
      },
      commit: () => {
        for (const name of tableNames) applyTable(name);
        commits += 1;
        release(who);
      },
      rollback: () => {
        own = emptyTables();
        release(who);
      },
    };
  };
  return { committed, begin, nextId: () => (lastId += 1), commits: () => commits };
}

function copyOf(tables: Tables<null>): Tables<null> {
  return {
    ledger: new Map(tables.ledger),
    events: new Map(tables.events),
    transmissions: new Map(tables.transmissions),
    collisions: new Map(tables.collisions),
    confirmations: new Map(tables.confirmations),
    attempts: new Map(tables.attempts),
    runs: new Map(tables.runs),
    facts: new Map(tables.facts),
    payments: new Map(tables.payments),
    outbox: new Map(tables.outbox),
    crashes: new Map(tables.crashes),
  };
}
