import type { MemoryTables, MemoryTransaction } from './memory-tables.ts';

/** Bugs that are planted to see that the simulation finds them. */
export const mutants = [
  'acknowledge-first',
  'no-sweeper',
  'no-unique-key',
  'no-row-lock',
  'mark-outside-the-transaction',
  'no-savepoint',
] as const;
export type Mutant = (typeof mutants)[number];

/** A ledger with a bug in it; the same ledger where the bug is elsewhere, or is none. */
export function plant(tables: MemoryTables, mutant: Mutant | undefined): MemoryTables {
  const change = (spoil: (tx: MemoryTransaction) => Partial<MemoryTransaction>): MemoryTables => ({
    ...tables,
    begin: () => {
      const tx = tables.begin();
      return { ...tx, ...spoil(tx) };
    },
  });
  switch (mutant) {
    case 'no-unique-key':
      return change((tx) => {
        const own = new Set<string>();
        return {
          lock: async () => undefined,
          get: (table, key) => (table === 'ledger' && !own.has(key) ? undefined : tx.get(table, key)),
          put: (table, key, row) => {
            own.add(key);
            tx.put(table, key, row);
          },
        };
      });
    case 'no-row-lock':
      return change(() => ({ lock: async () => undefined }));
    case 'mark-outside-the-transaction':
      return change((tx) => ({
        put: (table, key, row) => {
          tx.put(table, key, row);
          const marked = table === 'ledger' ? tx.get('ledger', key) : undefined;
          if (marked?.state === 'processed') tables.committed.ledger.set(key, marked);
        },
      }));
    case 'no-savepoint':
      return change(() => ({ savepoint: () => () => undefined }));
    case 'acknowledge-first':
    case 'no-sweeper':
    case undefined:
      return tables;
    default:
      return mutant satisfies never;
  }
}
