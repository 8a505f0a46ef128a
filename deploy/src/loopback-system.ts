import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@penstock/local/ports';
import { composeEnvironment } from './compose.ts';
import { repository } from './dockerfile.ts';
import { startNginx } from './loopback-nginx.ts';
import { startPostgresWithReplica } from './loopback-postgres.ts';
import { assertAnswers, makeSecrets, startBouncer, startRedisWithUsers, startServer, urlAt } from './topology.ts';

/** What only a provider can tell, put where an operator puts it. */
const ofProviders = {
  'paypal-webhook-id': 'WHOFTHELOOPBACK',
  'paypal-client-id': 'client',
  'paypal-client-secret': 'secret',
};

/**
 * Starts what deploy/compose.yaml has, but for what watches it; its files are in the folder. Each process has the
 * variables and secrets that compose gives it. It ends with the stack.
 */
export async function startLoopbackSystem(
  { folder, stripeSecret }: { readonly folder: string; readonly stripeSecret: string },
  resources: AsyncDisposableStack,
) {
  const secrets = makeSecrets(folder);
  const write = (name: string, value: string): void => {
    // Nobody may write to one that is made.
    rmSync(path.join(secrets, name));
    writeFileSync(path.join(secrets, name), value);
  };
  for (const [name, value] of Object.entries({ ...ofProviders, 'stripe-webhook-secret': stripeSecret }))
    write(name, value);
  const redis = await startRedisWithUsers({ folder, secrets });
  resources.use(redis.server);
  const { primary, replica, adminUrl } = await startPostgresWithReplica({ folder, secrets }, resources);
  const bouncer = resources.use(await startBouncer({ folder, secrets, databasePort: primary.port }));
  write('redis-url', redis.url);
  for (const [name, port] of [
    // Not through the pooler: the lock of migrating is a session's.
    ['database-direct-url', primary.port],
    ['worker-database-url', bouncer.port],
    ['console-database-url', bouncer.port],
    ['database-replica-url', replica.port],
  ] as const)
    write(name, urlAt(port, { secrets, name }));

  execFileSync(process.execPath, ['apps/worker/src/commands/migrate.ts'], {
    cwd: repository,
    env: { PATH: process.env['PATH'], ...composeEnvironment('migrate', { '/run/secrets': secrets }) },
  });
  const healthPorts: number[] = [];
  const start = async (app: string, service: string) => {
    const port = await freePort();
    const health = await freePort();
    healthPorts.push(health);
    const name = `${app}-${health}`;
    const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...environment } = composeEnvironment(service, {
      '/run/secrets': secrets,
      '/spool': path.join(folder, `spool-${health}`),
      // nginx's network.
      '172.28.7.0/24': '127.0.0.1',
    });
    return resources.use(
      await startServer({
        folder,
        name,
        command: process.execPath,
        args: [path.join(repository, `apps/${app}/src/main.ts`)],
        port,
        env: {
          ...environment,
          NODE_ENV: 'production',
          // What is proven is the topology and not the speed of this machine: a slow disk must not be answered 503.
          ENQUEUE_MS: '10000',
          PORT: String(port),
          HEALTH_PORT: String(health),
          PENSTOCK_CONFIG: path.join(repository, 'deploy/src/loopback.config.ts'),
        },
        probe: () => assertAnswers(`http://127.0.0.1:${health}/ready`),
      }),
    );
  };
  const ingests = [await start('ingest', 'ingest-1'), await start('ingest', 'ingest-2')] as const;
  for (let workers = 0; workers < 2; workers += 1) await start('worker', 'worker');
  const consoleServer = await start('console', 'console');
  const publicPort = await freePort();
  const consolePort = await freePort();
  const nginx = resources.use(
    await startNginx({
      folder,
      secrets,
      publicPort,
      consolePort,
      ingests: [ingests[0].port, ingests[1].port],
      console: consoleServer.port,
    }),
  );
  // The third, which sends the canary as soon as it runs.
  write('canary-url', `https://localhost:${publicPort}/webhooks/canary`);
  await start('worker', 'worker-canary');
  const readUrl = readFileSync(path.join(secrets, 'database-replica-url'), 'utf8');
  return {
    secrets,
    ingests,
    nginx,
    publicPort,
    consolePort,
    healthPorts,
    readUrl,
    adminUrl,
    redisWatcherUrl: redis.watcherUrl,
  };
}
