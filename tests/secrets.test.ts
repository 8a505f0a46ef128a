import { randomBytes, randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '@penstock/local/testing';
import { testPostgresUrl, testRedisUrl } from '@penstock/local/test-services';
import { runScript } from './harness/commands.ts';
import { startProcess, type TestProcess } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const root = path.join(import.meta.dirname, '..');
const password = (): string => `Sesame/${randomBytes(12).toString('hex')}@"\\`;
const sealing = (): string => randomBytes(32).toString('base64');
const signing = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** What must be found nowhere, by the setting that holds it. */
const passwords = {
  DATABASE_URL: password(),
  DATABASE_REPLICA_URL: password(),
  QUEUE_DATABASE_URL: password(),
  REDIS_URL: password(),
  MASK_KEY: password(),
  PAYLOAD_KEYS: sealing(),
  CONSOLE_PASSWORD: password(),
  CONSOLE_OPERATOR_PASSWORD: password(),
  CANARY_SECRET: signing(),
  STRIPE_WEBHOOK_SECRET: signing(),
  RECEIVER_SECRET: signing(),
  OTEL_EXPORTER_OTLP_HEADERS: password(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: password(),
} as const;

/** Tokens as they stand in headers; there is no collector. */
const tracing = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Bearer ${passwords.OTEL_EXPORTER_OTLP_HEADERS}`)}`,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: `x-key=${encodeURIComponent(passwords.OTEL_EXPORTER_OTLP_TRACES_HEADERS)}`,
  OTEL_BSP_SCHEDULE_DELAY: '50',
};

const roles = ['ledger', 'replica'].map((name) => `${name}_${randomUUID().slice(0, 8)}`);
const [ledgerRole = '', replicaRole = ''] = roles;
const redisUser = `secret-${randomUUID().slice(0, 8)}`;
/** All commands read settings, open the ledger and report their errors by the same functions; these stand for the rest. */
const scripts = ['worker/src/commands/dead', 'worker/src/commands/migrate', 'console/src/commands/api-key'];

let system: TestSystem;
let redis: Redis;
let environment: Readonly<Record<string, string>>;
const said: string[] = [];

beforeAll(async () => {
  system = await createTestSystem('redis', { PENSTOCK_CONFIG: 'tests/harness/leaking-handler.test.config.ts' });
  redis = new Redis(testRedisUrl());
  await redis.call('ACL', 'SETUSER', redisUser, 'on', `>${passwords.REDIS_URL}`, '~*', '&*', '+@all');
  for (const [role, secret] of [
    [ledgerRole, passwords.DATABASE_URL],
    [replicaRole, passwords.DATABASE_REPLICA_URL],
  ] as const)
    await sql`create role ${sql.id(role)} superuser login password ${sql.lit(secret)}`.execute(system.db);
  environment = {
    ...system.environment,
    ...passwords,
    PAYLOAD_KEYS: `one:${passwords.PAYLOAD_KEYS}`,
    REDIS_URL: as(testRedisUrl(), redisUser, passwords.REDIS_URL),
    DATABASE_URL: as(system.environment['DATABASE_URL'] ?? testPostgresUrl(), ledgerRole, passwords.DATABASE_URL),
    DATABASE_REPLICA_URL: as(
      system.environment['DATABASE_URL'] ?? testPostgresUrl(),
      replicaRole,
      passwords.DATABASE_REPLICA_URL,
    ),
    QUEUE_DATABASE_URL: '',
    ...tracing,
    LOG_LEVEL: 'trace',
  };
}, 180_000);
afterAll(async () => {
  await redis.call('ACL', 'DELUSER', redisUser);
  redis.disconnect();
  for (const role of roles) await sql`drop role ${sql.id(role)}`.execute(system.db).catch(() => undefined);
  await system[Symbol.asyncDispose]();
});

test('every setting that is secret is seeded here', () => {
  const sources = globSync('{apps,packages}/*/src/**/*.ts', { cwd: root, exclude: (name) => name === 'node_modules' });
  const declared = sources
    .filter((file) => !file.includes('.test.'))
    .flatMap((file) => [
      ...readFileSync(path.join(root, file), 'utf8').matchAll(
        /name: '(?<name>[A-Z_]+)',(?:(?!name: ')[^])*?secret: true/g,
      ),
    ])
    .map(({ groups }) => groups?.['name'] ?? '');
  expect(declared).toContain('REDIS_URL');
  expect(declared.filter((name) => !(name in passwords))).toEqual([]);
});

test('processes at work, and at a loss, say no secret anywhere', { timeout: 300_000 }, async () => {
  const [ofIngest, ofWorker, ofConsole] = await Promise.all([
    start('ingest', /"listening/),
    start('worker', /"taking webhooks"/),
    start('console', /"listening/),
  ]);
  const running = { ingest: ofIngest, worker: ofWorker, console: ofConsole };
  const ingest = { url: `${urlOf(running.ingest)}` };
  const [failing, forged] = [aStripeEvent(), aStripeEvent()];
  expect((await postStripe(ingest, failing.body, { secret: passwords.STRIPE_WEBHOOK_SECRET })).status).toBe(200);
  const answers = [
    await postStripe(ingest, forged.body, { secret: passwords.CANARY_SECRET }),
    await postStripe(ingest, Buffer.from('[]'), { secret: passwords.STRIPE_WEBHOOK_SECRET }),
    await postStripe(ingest, failing.body, { endpoint: 'nothing', secret: passwords.STRIPE_WEBHOOK_SECRET }),
  ];
  said.push(JSON.stringify(answers));
  await running.worker.waitForLine(/it runs with/);
  await until(async () => (await system.db.selectFrom('attempts').selectAll().execute()).length > 0, {
    what: 'an attempt to be recorded',
  });
  for (const page of ['/', '/login', '/dead', '/queues', '/nothing'])
    said.push(await visit(urlOf(running.console), page));
  said.push(await visit(urlOf(running.console), '/login', { password: 'not this one', name: 'ada' }));

  // Both services turn everybody away, and what the drivers say of it is told.
  await redis.call('ACL', 'SETUSER', redisUser, 'resetpass', '>another');
  await redis.call('CLIENT', 'KILL', 'USER', redisUser);
  for (const role of roles) await sql`alter role ${sql.id(role)} password 'another'`.execute(system.db);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = any(${roles})`.execute(system.db);
  await Promise.all(
    Object.values(running).map(async (each) => {
      const health = healthOf(each);
      await until(async () => (await fetch(`${health}/ready`)).status === 503, {
        what: `${each.name} to be at a loss`,
      });
      for (const about of ['ready', 'health', 'metrics']) said.push(await (await fetch(`${health}/${about}`)).text());
    }),
  );
  said.push(await visit(urlOf(running.console), '/dead'));
  await Promise.all(Object.values(running).map((each) => each.stop()));
  said.push(...Object.values(running).map((each) => each.output()));
  // What is kept for people to look at: failures in the ledger, and in the queue's failed set.
  for (const table of ['ledger', 'attempts', 'handler_runs', 'deaths'] as const)
    said.push(JSON.stringify(await system.db.selectFrom(table).selectAll().execute()));
  expect(said.join('').length).toBeGreaterThan(20_000);
  expect(found(said)).toEqual([]);
});

test(
  'commands tell no secret in their help, nor when settings are wrong or services away',
  { timeout: 600_000 },
  async () => {
    const away = 'postgres://nobody';
    const wrong = {
      ...Object.fromEntries(Object.entries(passwords).map(([name, secret]) => [name, `nonsense:${secret}`])),
      PENSTOCK_CONFIG: system.environment['PENSTOCK_CONFIG'] ?? '',
    };
    const unreachable = {
      ...environment,
      DATABASE_URL: as(`${away}@127.0.0.1:9/none`, 'nobody', passwords.DATABASE_URL),
      REDIS_URL: as('redis://127.0.0.1:9', 'nobody', passwords.REDIS_URL),
    };
    const printed: string[] = [];
    for (const script of scripts.map((name) => `apps/${name}.ts`)) {
      const runs = [
        runScript(script, ['--help'], environment),
        runScript(script, ['list'], wrong),
        runScript(script, ['list'], unreachable),
      ];
      printed.push(...(await Promise.all(runs)).map(({ stdout, stderr }) => stdout + stderr));
    }
    expect(printed.join('').length).toBeGreaterThan(3_000);
    expect(found(printed)).toEqual([]);
  },
);

test(
  'settings that are wrong, given twice, or in files that are wrong are listed without their values',
  { timeout: 300_000 },
  async () => {
    await using folder = await temporaryDirectory();
    const file = path.join(folder.path, 'secret');
    await writeFile(file, `nonsense:${passwords.REDIS_URL}`);
    const wrong = Object.fromEntries(Object.entries(passwords).map(([name, secret]) => [name, `nonsense:${secret}`]));
    const ways = [
      wrong,
      Object.fromEntries(Object.keys(passwords).map((name) => [`${name}_FILE`, file])),
      { ...wrong, ...Object.fromEntries(Object.keys(passwords).map((name) => [`${name}_FILE`, file])) },
    ];
    const printed: string[] = [];
    for (const app of ['ingest', 'worker', 'console'])
      for (const ended of await Promise.all(ways.map((way) => runScript(`apps/${app}/src/main.ts`, [], way)))) {
        expect([app, ended.code, ended.stderr]).toEqual([app, 78, expect.stringContaining('The configuration has')]);
        printed.push(ended.stdout + ended.stderr);
      }
    expect(found(printed)).toEqual([]);
  },
);

test('the search finds what it looks for, however it is written', () => {
  for (const secret of Object.values(passwords))
    for (const shown of [secret, encodeURIComponent(secret), JSON.stringify(JSON.stringify(secret))])
      expect(found([`before ${shown} after`])).not.toEqual([]);
});

/** Which secrets stand in a text: as they are, in a URL, in JSON, in JSON within JSON, or encoded; half of one is one. */
function found(texts: readonly string[]): readonly string[] {
  const text = texts.join('\n');
  return Object.entries(passwords).flatMap(([name, secret]) => {
    const half = secret.slice(2, 2 + Math.floor(secret.length / 2));
    const ways = [
      half,
      encodeURIComponent(half),
      JSON.stringify(half).slice(1, -1),
      Buffer.from(secret).toString('base64'),
    ];
    const at = ways.map((way) => text.indexOf(way)).find((position) => position !== -1);
    return at === undefined ? [] : [`${name}: ${text.slice(Math.max(0, at - 150), at)}`];
  });
}

function as(url: string, user: string, secret: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = encodeURIComponent(secret);
  return changed.href;
}

/** Each with the secrets that are its own, as deploy/ gives them out. */
const foreign: Readonly<Record<string, readonly string[]>> = {
  ingest: ['DATABASE_URL', 'DATABASE_REPLICA_URL', 'CONSOLE_PASSWORD', 'CONSOLE_OPERATOR_PASSWORD'],
  worker: ['DATABASE_REPLICA_URL', 'CONSOLE_PASSWORD', 'CONSOLE_OPERATOR_PASSWORD'],
  console: ['CANARY_SECRET', 'STRIPE_WEBHOOK_SECRET', 'RECEIVER_SECRET'],
};

async function start(app: string, ready: RegExp): Promise<TestProcess> {
  const env = Object.fromEntries(Object.entries(environment).filter(([name]) => foreign[app]?.includes(name) !== true));
  const started = await startProcess({ name: app, script: `apps/${app}/src/main.ts`, env });
  await started.waitForLine(ready);
  return started;
}

function urlOf(started: TestProcess): string {
  return /"url":"(?<url>[^"]+)"/.exec(started.output())?.groups?.['url'] ?? '';
}

function healthOf(started: TestProcess): string {
  return /"healthUrl":"(?<url>[^"]+)"/.exec(started.output())?.groups?.['url'] ?? '';
}

async function visit(origin: string, page: string, form?: Record<string, string>): Promise<string> {
  const headers = { accept: 'text/html', origin: new URL(origin).origin };
  const answer = await fetch(new URL(page, origin), {
    headers,
    redirect: 'manual',
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return JSON.stringify([...answer.headers]) + (await answer.text());
}
