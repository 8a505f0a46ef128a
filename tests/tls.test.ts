import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertReachable, openDatabase } from '@penstock/db/database';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import { freePort } from '@penstock/local/ports';
import { postgresAccount } from '@penstock/local/postgres-account';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { testPostgresUrl, testRunDir } from '@penstock/local/test-services';
import { createThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { awaitReady, connectProducer } from '@penstock/runtime/redis';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { aDelivery } from './harness/deliveries.ts';
import { expectAppliedOnce } from './harness/steady-provider.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';

/** A Redis that asks for certificates and a PostgreSQL, both named localhost by an authority of this file's own. */
// Where Redis comes in a container there is no server of ours to give a certificate.
describe.runIf(findRedisServer() !== null)('over TLS', () => {
  let files: Readonly<Record<'ca' | 'otherCa' | 'cert' | 'key', string>>;
  let redisAt: (host: string, query: string) => string;
  let postgresAt: (host: string, sslrootcert: string) => string;
  let system: TestSystem;
  const resources = new AsyncDisposableStack();

  beforeAll(async () => {
    files = await writeCertificates(join(testRunDir(), 'tls'));
    const tlsPort = await freePort();
    const settings = { 'tls-port': String(tlsPort), 'tls-auth-clients': 'yes', 'tls-ca-cert-file': files.ca };
    const identity = { 'tls-cert-file': files.cert, 'tls-key-file': files.key };
    const extraArgs = Object.entries({ ...settings, ...identity }).flatMap(([name, value]) => [`--${name}`, value]);
    resources.use(await startRedisServer({ dir: join(testRunDir(), 'tls-redis'), extraArgs }));
    redisAt = (host, query) => `rediss://${host}:${tlsPort}?${query}`;

    const postgres = resources.use(
      await startEmbeddedPostgres({
        dataDir: join(testRunDir(), 'tls-postgres'),
        settings: { ssl: 'on', ssl_cert_file: files.cert, ssl_key_file: files.key, fsync: 'off' },
      }),
    );
    postgresAt = (host, sslrootcert) => secured(postgres.url, { host, sslrootcert });
    system = resources.use(
      await createTestSystem(
        'redis',
        {
          REDIS_URL: redisAt('localhost', `ca=${files.ca}&cert=${files.cert}&key=${files.key}`),
          QUEUE_NAME: 'webhooks',
          NODE_ENV: 'production',
          PENSTOCK_CONFIG: 'tests/harness/counting.test.config.ts',
        },
        postgresAt('localhost', files.ca),
      ),
    );
  }, 180_000);
  afterAll(() => resources.disposeAsync());

  test('an event is accepted and processed, and no connection to the ledger is in the clear', async () => {
    await using ingest = await system.startIngest();
    await using _worker = await system.startWorker();
    const event = aStripeEvent();
    expect((await postStripe(ingest, event.body)).status).toBe(200);
    await expectAppliedOnce(system, [event.id]);
    const { rows } = await sql<{ ssl: boolean }>`
      select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name like 'penstock%'`.execute(
      system.db,
    );
    expect(rows).toEqual([{ ssl: true }]);
  });

  test.each([
    ['another authority', () => redisAt('localhost', `ca=${files.otherCa}&cert=${files.cert}&key=${files.key}`)],
    ['another name', () => redisAt('127.0.0.1', `ca=${files.ca}&cert=${files.cert}&key=${files.key}`)],
    ['no certificate of our own', () => redisAt('localhost', `ca=${files.ca}`)],
  ])('Redis with %s is not spoken to', async (_, url) => {
    await expectNoRedis(url());
  });

  test('Redis of another name is, where the address says what name it has', async () => {
    const redis = connectProducer(
      redisAt('127.0.0.1', `ca=${files.ca}&cert=${files.cert}&key=${files.key}&servername=localhost`),
    );
    try {
      await awaitReady(redis);
      expect(await redis.ping()).toBe('PONG');
    } finally {
      redis.disconnect();
    }
  });

  test.each([
    [
      'another authority',
      /certificate signature failure|self-signed certificate/,
      () => postgresAt('localhost', files.otherCa),
    ],
    ['another name', /does not match certificate/, () => postgresAt('127.0.0.1', files.ca)],
    ['no TLS', /does not support SSL/, () => secured(testPostgresUrl(), { host: 'localhost', sslrootcert: files.ca })],
  ])('a PostgreSQL with %s is not spoken to', async (_, reason, url) => {
    await using db = openDatabase({ url: url(), poolMax: 1, applicationName: 'tls-test' });
    await expect(assertReachable(db)).rejects.toThrow(reason);
  });

  test('a queue in PostgreSQL is asked for its certificate too', async () => {
    const queueAt = (sslrootcert: string): QueueLocation => ({
      backend: 'postgres',
      url: postgresAt('localhost', sslrootcert),
      name: 'webhooks',
    });
    await expect(migrateQueue(queueAt(files.otherCa))).rejects.toThrow(/certificate/);
    await migrateQueue(queueAt(files.ca));
    await using queue = openWebhookQueue(queueAt(files.ca));
    expect(await queue.add([aDelivery()])).toEqual(['queued']);
  });
});

function secured(url: string, { host, sslrootcert }: { readonly host: string; readonly sslrootcert: string }): string {
  const changed = new URL(url);
  changed.hostname = host;
  changed.searchParams.set('sslmode', 'verify-full');
  changed.searchParams.set('sslrootcert', sslrootcert);
  return changed.href;
}

async function expectNoRedis(url: string): Promise<void> {
  const redis = connectProducer(url);
  try {
    await expect(awaitReady(redis)).rejects.toThrow('Redis did not answer within 5 seconds');
  } finally {
    redis.disconnect();
  }
}

async function writeCertificates(dir: string) {
  const forever = { hostName: 'localhost', notBefore: new Date('2020-01-01'), notAfter: new Date('2039-01-01') };
  const authority = await createThrowawayAuthority(forever);
  const other = await createThrowawayAuthority(forever);
  mkdirSync(dir, { recursive: true });
  const account = postgresAccount();
  const write = (name: string, text: string): string => {
    const file = join(dir, name);
    // PostgreSQL takes no key that others can read.
    writeFileSync(file, text, { mode: name === 'key.pem' ? 0o600 : 0o644 });
    if (account !== null) chownSync(file, account.uid, account.gid);
    return file;
  };
  return {
    ca: write('ca.pem', authority.rootPem),
    otherCa: write('other-ca.pem', other.rootPem),
    cert: write('cert.pem', authority.leafPem),
    key: write('key.pem', authority.leafPrivateKeyPem),
  };
}
