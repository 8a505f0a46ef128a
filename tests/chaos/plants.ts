/** A bug to be planted in the product, so that the harness can be seen to find it. */
export interface Plant {
  readonly name: string;
  readonly about: string;
  /** Text of the product that is replaced as it is loaded; each must be there exactly once. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** Done to the database after its migrations. */
  readonly sql: string;
  /** Faults under which it must show. */
  readonly faults: string;
}

/** The bugs that pnpm chaos:plant plants, one after the other. */
export const plants: readonly Plant[] = [
  {
    name: 'acknowledge-before-enqueue',
    about: 'ingest answers 200 and enqueues meanwhile',
    edits: [
      {
        file: 'apps/ingest/src/enqueue-deliveries.ts',
        from: 'return await promise;',
        to: "return deliveries.map(() => 'queued');",
      },
    ],
    sql: '',
    faults: 'kill-ingest,kill-redis,freeze-redis,cut-redis',
  },
  {
    name: 'no-unique-key',
    about: 'the ledger has no unique key and takes whatever comes',
    edits: [
      {
        file: 'packages/db/src/ledger.ts',
        from: 'on conflict (account, provider_event_id) do nothing',
        to: '',
      },
    ],
    sql: 'alter table ledger drop constraint ledger_account_provider_event_id_key',
    faults: 'duplicate-storm,kill-worker,redis-old-aof',
  },
  {
    name: 'processed-outside-the-transaction',
    about: 'an event is marked processed in a transaction of its own, before its effects',
    edits: [
      {
        file: 'apps/worker/src/process-webhook.ts',
        from: 'const processed = await world.store.transaction((tx) => applyDelivery(tx, proven, world));',
        to: `const marked = await world.store.transaction(async (tx) => {
          const entry = await tx.enterLedger(delivery);
          if (entry.state !== 'received') return null;
          await tx.finishLedger(entry.id, 'processed');
          return entry.id;
        });
        const processed = await world.store.transaction(async (tx) => {
          if (marked !== null) await tx.recordFailure(marked, toFailure(new Error('not processed yet')));
          return applyDelivery(tx, proven, world);
        });`,
      },
    ],
    sql: '',
    faults: 'kill-worker,kill-postgres,cut-postgres',
  },
  {
    name: 'no-sweeper',
    about: 'nothing compares ledger and queue',
    edits: [
      {
        file: 'apps/worker/src/sweep.ts',
        from: "return world.store.exclusively('sweep', async () => {",
        to: "return world.store.exclusively('sweep', async () => {\n    if (world !== null) return null;",
      },
    ],
    sql: '',
    faults: 'redis-flushall,redis-old-aof',
  },
];
