import { openDatabase } from '@penstock/db/database';
import { migrate } from '@penstock/db/migrate';
import { readSettings } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';
import { databaseSettings, sharedSettings } from '@penstock/runtime/shared-settings';
import { migrateQueue } from '@penstock/runtime/queue-backends';

/** `pnpm migrate`: brings the ledger's schema, and the queue's where PostgreSQL holds it, up to this version. */
await runCommand(async () => {
  const { databaseUrl, queueDatabaseUrl } = readSettings(
    { databaseUrl: databaseSettings.databaseUrl, queueDatabaseUrl: sharedSettings.queueDatabaseUrl },
    process.env,
  );
  await using db = openDatabase({ url: databaseUrl, poolMax: 2, applicationName: 'penstock-migrate' });
  const applied = await migrate(db);
  if (queueDatabaseUrl !== undefined)
    await migrateQueue({ backend: 'postgres', url: queueDatabaseUrl, name: 'webhooks' });
  process.stdout.write(applied.length === 0 ? 'The schema is up to date.\n' : `Applied ${applied.join(', ')}.\n`);
});
