import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@penstock/local/ports';
import { repository } from './dockerfile.ts';
import {
  assertAnswers,
  loopbackNginx,
  makeSecrets,
  startBouncer,
  startPostgresWithReplica,
  startRedisWithUsers,
  startServer,
  urlAt,
} from './topology.ts';

/** Starts what deploy/compose.yaml has, but for Prometheus; its files are in the folder. It ends with the stack. */
export async function startLoopbackSystem(
  { folder, stripeSecret }: { readonly folder: string; readonly stripeSecret: string },
  resources: AsyncDisposableStack,
) {
  const secrets = makeSecrets(folder);
  const redis = await startRedisWithUsers({ folder, secrets });
  resources.use(redis.server);
  const { primary, replica } = await startPostgresWithReplica({ folder, secrets }, resources);
  const bouncer = resources.use(await startBouncer({ folder, secrets, databasePort: primary.port }));
  const read = (name: string) => readFileSync(path.join(secrets, name), 'utf8');
  const environment = {
    NODE_ENV: 'production',
    TRUSTED_PROXIES: '127.0.0.1',
    REFUSALS_PER_MINUTE: '60',
    REDIS_URL: redis.url,
    // What is proven is the topology and not the speed of this machine: a slow disk must not be answered 503.
    ENQUEUE_MS: '10000',
    MASK_KEY: read('mask-key'),
    PAYLOAD_KEYS: read('payload-keys'),
    STRIPE_WEBHOOK_SECRET: stripeSecret,
    PAYPAL_WEBHOOK_ID: 'WHOFTHELOOPBACK',
    PAYPAL_CLIENT_ID: 'client',
    PAYPAL_CLIENT_SECRET: 'secret',
    CANARY_SECRET: read('canary-secret'),
  };
  const urls = {
    // Not through the pooler: the lock of migrating is a session's.
    migrate: urlAt(primary.port, { secrets, name: 'database-direct-url' }),
    worker: urlAt(bouncer.port, { secrets, name: 'worker-database-url' }),
    console: urlAt(bouncer.port, { secrets, name: 'console-database-url' }),
    read: urlAt(replica.port, { secrets, name: 'database-replica-url' }),
  };
  const PATH = process.env['PATH'];
  execFileSync(process.execPath, ['apps/worker/src/commands/migrate.ts'], {
    cwd: repository,
    env: { PATH, DATABASE_URL: urls.migrate },
  });
  const healthPorts: number[] = [];
  const start = async (app: string, env: Readonly<Record<string, string>>) => {
    const port = await freePort();
    const health = await freePort();
    healthPorts.push(health);
    return resources.use(
      await startServer({
        folder,
        name: `${app}-${health}`,
        command: process.execPath,
        args: [path.join(repository, `apps/${app}/src/main.ts`)],
        port,
        env: {
          ...env,
          PORT: String(port),
          HEALTH_PORT: String(health),
          PENSTOCK_CONFIG: path.join(repository, 'penstock.config.ts'),
        },
        probe: () => assertAnswers(`http://127.0.0.1:${health}/ready`),
      }),
    );
  };
  const ingests = [await start('ingest', environment), await start('ingest', environment)] as const;
  const worker = { ...environment, DATABASE_URL: urls.worker };
  for (let workers = 0; workers < 2; workers += 1) await start('worker', worker);
  const consoleServer = await start('console', {
    ...environment,
    DATABASE_URL: urls.console,
    DATABASE_REPLICA_URL: urls.read,
    CONSOLE_PASSWORD: read('console-password'),
    CONSOLE_OPERATOR_PASSWORD: read('console-operator-password'),
  });
  const publicPort = await freePort();
  const consolePort = await freePort();
  const file = path.join(folder, 'nginx.conf');
  const ports: readonly [number, number] = [ingests[0].port, ingests[1].port];
  writeFileSync(
    file,
    loopbackNginx({ folder, secrets, publicPort, consolePort, ingests: ports, console: consoleServer.port }),
  );
  const nginx = resources.use(
    await startServer({
      folder,
      name: 'nginx-server',
      command: '/usr/sbin/nginx',
      args: ['-g', 'daemon off;', '-c', file],
      port: publicPort,
      probe: async () => void (await fetch(`http://127.0.0.1:${publicPort}/`)),
    }),
  );
  // The third, which sends the canary as soon as it runs.
  await start('worker', {
    ...worker,
    CANARY_URL: `https://localhost:${publicPort}/webhooks/canary`,
    NODE_EXTRA_CA_CERTS: path.join(secrets, 'tls.crt'),
  });
  return { secrets, ingests, nginx, publicPort, consolePort, healthPorts, readUrl: urls.read, adminUrl: primary.url };
}
