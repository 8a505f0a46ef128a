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
        from: 'return await Promise.race([added, late.promise]);',
        to: "void added; return deliveries.map(() => 'queued');",
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
        from: 'const processed = await world.db.transaction().execute((tx) => applyDelivery(tx, proven, world));',
        to: `const marked = await world.db.transaction().execute(async (tx) => {
          const entry = await enterLedger(tx, delivery);
          if (entry.state !== 'received') return null;
          await finishLedger(tx, entry.id, 'processed');
          return entry.id;
        });
        const processed = await world.db.transaction().execute(async (tx) => {
          if (marked !== null)
            await tx.updateTable('ledger').set({ state: 'received', finished_at: null }).where('id', '=', marked).execute();
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
        from: 'if (row?.held !== true) return null;',
        to: 'if (row?.held !== false) return null;',
      },
    ],
    sql: '',
    faults: 'redis-flushall,redis-old-aof',
  },
];
