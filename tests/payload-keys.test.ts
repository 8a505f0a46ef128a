import { createHash, randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApiKey } from '@penstock/console/api/api-key';
import { runConsole, testOperatorPassword } from '@penstock/console/testing/run-console';
import { readPayloadKeys, type PayloadKeys } from '@penstock/core/payload-keys';
import { insertApiKey } from '@penstock/db/api-keys';
import { openDatabase } from '@penstock/db/database';
import { deliveryOfStoredEvent, storedBody } from '@penstock/db/events';
import { createTestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl, testRedisUrl } from '@penstock/local/test-services';
import { runScript } from './harness/commands.ts';
import { fillLedger } from './harness/fill-ledger.ts';
import { startProcess } from './harness/process.ts';
import { startReceiver, type Receiver } from './harness/receiver.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const aKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const [first, second] = [aKey('first'), aKey('second')];
const secret = `whsec_${randomBytes(32).toString('base64')}`;
const command = 'apps/worker/src/commands/payload-keys.ts';
/** Stands in every body that is sent, and must stand nowhere else. */
const mark = 'Zacharias-Quillfeather-7391';

let receiver: Receiver;
let system: TestSystem;
let ingest: TestIngest;
beforeAll(async () => {
  receiver = await startReceiver(secret);
  system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/forwarding.test.config.ts',
    RECEIVER_URL: receiver.url,
    RECEIVER_SECRET: secret,
    PAYLOAD_KEYS: first,
  });
  ingest = await system.startIngest();
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const marked = (type: string) => aStripeEvent({ type, object: { id: 'cus_1', object: 'customer', name: mark } });

test(
  'with keys no body lies readable in the queue, the ledger or the outbox, and all that reads it still does',
  { timeout: 300_000 },
  async () => {
    const told = marked('customer.created');
    const raw = marked('customer.deleted');
    for (const { body } of [told, raw]) expect((await postStripe(ingest, body)).status).toBe(200);
    expect(await dumpOfQueue()).toContain(told.id);
    expect(await dumpOfQueue()).not.toContain(mark);

    // Without the key nothing is lost: the event waits, and its attempts with it.
    const keyless = await system.startWorker({ PAYLOAD_KEYS: '' });
    await keyless.waitForLine(/payload_key_unknown/);
    await keyless.stop();
    expect(await system.ledger()).toEqual({});
    expect((await system.queue.counts()).failed).toBe(0);

    await system.startWorker();
    await until(() => receiver.accepted.length === 2, { what: 'both messages to arrive' });
    expect(receiver.accepted.map(({ body }) => body).filter((body) => body.includes(told.id))).not.toEqual([]);
    expect(receiver.accepted.map(({ body }) => body)).toContain(raw.body.toString());
    expect(await dumpOfLedger()).toContain(told.id);
    expect(await dumpOfLedger()).not.toContain(mark);
    const promised = await system.db.selectFrom('outbox').select(['payload', 'sealed']).execute();
    expect(promised.map(({ payload, sealed }) => [payload, sealed !== null])).toEqual([
      [null, true],
      [null, true],
    ]);
    expect(await dumpOfQueue()).not.toContain(mark);

    await using console = await runConsole({ environment: system.environment, now: () => new Date() });
    const key = makeApiKey(randomBytes);
    await insertApiKey(system.db, {
      ...key,
      name: 'test',
      scopes: ['payloads:read'],
      createdAt: new Date(),
      expiresAt: null,
    });
    const ledgerId = await idOf(told.id);
    const answer = await console.ask(`/api/events/${ledgerId}/payload`, {
      headers: { authorization: `Bearer ${key.token}` },
    });
    expect(await answer.json()).toMatchObject({ text: told.body.toString(), bytes: told.body.length });

    const rebuilt = await runScript('apps/worker/src/commands/rebuild.ts', ['--check'], system.environment);
    expect(rebuilt).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2 events/) });
    const blind = await runScript('apps/worker/src/commands/rebuild.ts', ['--check'], {
      ...system.environment,
      PAYLOAD_KEYS: second,
    });
    expect(blind).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sealed with key first; add it to PAYLOAD_KEYS'),
    });
  },
);

test(
  'a ciphertext put into another row opens as neither, and the trigger lets nothing else take its place',
  { timeout: 180_000 },
  async () => {
    const [one, another] = [marked('customer.created'), marked('customer.created')];
    for (const { body } of [one, another]) await postStripe(ingest, body);
    await until(async () => (await system.ledger())['processed'] === 4, { what: 'both to be processed' });
    const [from, to] = [await idOf(one.id), await idOf(another.id)];
    await sql`update events set body = (select body from events where id = ${from}) where id = ${to}`.execute(
      system.db,
    );
    await using db = openDatabase({
      url: system.environment['DATABASE_URL'] ?? '',
      poolMax: 1,
      applicationName: 'test',
      payloadKeys: keysOf(first),
    });
    expect((await storedBody(db, from))?.equals(one.body)).toBe(true);
    await expect(storedBody(db, to)).rejects.toMatchObject({ code: 'payload_tampered' });
    await expect(deliveryOfStoredEvent(db, to, 'x')).rejects.toMatchObject({ code: 'payload_tampered' });
    const refusal = 'facts are append-only';
    for (const change of [
      sql`update events set body = '{}' where id = ${from}`,
      sql`update events set type = 'other' where id = ${from}`,
      sql`update events set body = '\\x00505301ff', type = 'other' where id = ${from}`,
      sql`delete from events where id = ${from}`,
    ])
      await expect(change.execute(system.db)).rejects.toThrow(refusal);
    const told = await runScript(command, ['rotate'], { ...system.environment, PAYLOAD_KEYS: `${second},${first}` });
    expect(told).toMatchObject({ code: 1, stderr: expect.stringContaining(`events ${to}: payload_tampered`) });
    // The others are under the new key, and what it is not given stays shut.
    expect(await statusOf(system.environment['DATABASE_URL'] ?? '')).toMatchObject({
      events: { second: 3, first: 1 },
      outbox: { second: 4 },
    });
  },
);

test(
  'a dead letter that is sealed is told, masked, and put back to work by the board',
  { timeout: 180_000 },
  async () => {
    const broken = Buffer.from(JSON.stringify({ name: mark, email: 'jane@example.com' }));
    expect((await postStripe(ingest, broken)).status).toBe(400);
    const eventId = `sha256-${createHash('sha256').update(broken).digest('hex')}`;
    const isDead = async (): Promise<boolean> => (await system.queue.placeOf(`stripe.${eventId}`)) === 'failed';
    await until(isDead, { what: 'it to be dead' });
    const told = await runScript('apps/worker/src/commands/dead.ts', ['show', eventId, '--json'], system.environment);
    expect(told.stdout).toContain('"email": "email:');

    await using console = await runConsole({ environment: system.environment });
    const cookie = await console.logIn(testOperatorPassword);
    const board = await console.ask('/queues', { cookie, headers: { accept: 'text/html' } });
    const token = /XSRF-TOKEN=([^;]+)/.exec(board.headers.getSetCookie().join('\n'))?.[1] ?? '';
    const job = `/queues/api/queues/${system.environment['QUEUE_NAME']}/stripe.${eventId}`;
    const shown = await (await console.ask(job, { cookie })).text();
    expect([shown.includes(eventId), shown.includes(mark)]).toEqual([true, false]);
    const retried = await console.ask(`${job}/retry`, { method: 'PUT', cookie, headers: { 'x-xsrf-token': token } });
    expect(retried.status).toBe(204);
    await until(async () => (await attemptsAt(eventId)) >= 2 && isDead(), { what: 'it to have died again' });
  },
);

test(
  'rows that lie plain are sealed by rotate, which ends cleanly at Ctrl-C and goes on from there',
  { timeout: 300_000 },
  async () => {
    await using database = await createTestDatabase(testPostgresUrl());
    await fillLedger(database.db, { rows: 2_000 });
    const env = { DATABASE_URL: database.url, PAYLOAD_KEYS: first };
    const dry = await runScript(command, ['rotate', '--dry-run'], env);
    expect(dry.stdout).toContain('events         2000 rows would be sealed with first');
    expect(await statusOf(database.url)).toMatchObject({ events: { plain: 2_000 } });

    const rotating = await startProcess({ name: 'rotate', script: command, args: ['rotate'], env });
    await rotating.waitForLine(/^events: \d+ of 2000/);
    rotating.kill('SIGINT');
    expect(await rotating.exited).toEqual({ code: 130, signal: null });
    const { events } = await statusOf(database.url);
    expect(events?.['first']).toBeGreaterThan(0);
    expect(events?.['plain']).toBeGreaterThan(0);
    expect((events?.['first'] ?? 0) + (events?.['plain'] ?? 0)).toBe(2_000);

    const rest = await runScript(command, ['rotate'], env);
    expect(rest).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`events         ${events?.['plain']} rows`),
    });
    const after = await runScript(command, ['rotate'], { ...env, PAYLOAD_KEYS: `${second},${first}` });
    expect(after.code).toBe(0);
    expect(await statusOf(database.url)).toMatchObject({ events: { second: 2_000 } });
    const keys = keysOf(second);
    await using db = openDatabase({ url: database.url, poolMax: 1, applicationName: 'test', payloadKeys: keys });
    for (const n of [1, 1_000, 2_000]) {
      const row = await db
        .selectFrom('ledger')
        .select('id')
        .where('provider_event_id', '=', `evt_${n}`)
        .executeTakeFirstOrThrow();
      expect((await storedBody(db, row.id))?.toString()).toBe(`{"payload of ${n}": true}`);
    }
  },
);

test('a new key is one that the setting takes', async () => {
  const { stdout } = await runScript(command, ['new', 'made'], {});
  expect(keysOf(stdout.trim()).active).toBe('made');
  expect(await runScript(command, ['status'], { DATABASE_URL: 'postgres://a@127.0.0.1:9/b' })).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('PAYLOAD_KEYS is missing'),
  });
});

function keysOf(text: string): PayloadKeys {
  const read = readPayloadKeys(text, () => randomBytes(12));
  if ('problem' in read) throw new Error(read.problem);
  return read.value;
}

async function attemptsAt(eventId: string): Promise<number> {
  return (
    await system.db
      .selectFrom('attempts')
      .select('id')
      .where('ledger_id', '=', await idOf(eventId))
      .execute()
  ).length;
}

async function statusOf(url: string): Promise<Record<string, Record<string, number>>> {
  const { stdout, stderr } = await runScript(command, ['status', '--json'], {
    DATABASE_URL: url,
    PAYLOAD_KEYS: first,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

async function idOf(eventId: string): Promise<number> {
  const { id } = await system.db
    .selectFrom('ledger')
    .select('id')
    .where('provider_event_id', '=', eventId)
    .executeTakeFirstOrThrow();
  return id;
}

/** Everything that Redis holds of the queue, whatever its type. */
async function dumpOfQueue(): Promise<string> {
  const redis = new Redis(testRedisUrl());
  try {
    const keys = await redis.keys(`bull:${system.environment['QUEUE_NAME']}*`);
    const parts = await Promise.all(
      keys.map(async (key) => ((await redis.type(key)) === 'hash' ? JSON.stringify(await redis.hgetall(key)) : key)),
    );
    return parts.join('\n');
  } finally {
    redis.disconnect();
  }
}

/** Every row of every table, bytes as the text that they may be. */
async function dumpOfLedger(): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition`.execute(system.db);
  const dumps: string[] = [];
  for (const { name } of tables) {
    const { rows } = await sql<{ row: Record<string, unknown> }>`
      select to_jsonb(whole) as row from ${sql.table(name)} as whole`.execute(system.db);
    dumps.push(
      ...rows.map(({ row }) =>
        Object.values(row)
          .map((value) =>
            typeof value === 'string' && value.startsWith('\\x')
              ? Buffer.from(value.slice(2), 'hex').toString('latin1')
              : JSON.stringify(value),
          )
          .join(' '),
      ),
    );
  }
  return dumps.join('\n');
}
