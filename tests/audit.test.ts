import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { sql, type RawBuilder } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runConsole, testOperatorPassword, type RunningConsole } from '@penstock/console/testing/run-console';
import { jobIdOf } from '@penstock/core/delivery';
import type { OperatorActionKind } from '@penstock/core/replay';
import { openOutboxQueue, outboxLocation } from '@penstock/runtime/outbox-queue';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { runScript } from './harness/commands.ts';
import { aDelivery } from './harness/deliveries.ts';
import { storeEvents } from './harness/stored-events.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
let running: RunningConsole;
let cookie: string;
let csrf: string;
/** What there is to change, by what it is. */
let conflict: number;
let fetched: number;
let message: number;
let boardMessage: number;
let replay = '';
let keyId = '';
const failed = aDelivery();
const payloadKeys = `one:${randomBytes(32).toString('base64')}`;

beforeAll(async () => {
  system = await createTestSystem();
  await storeEvents(system.db, { count: 2, prefix: 'evt_dead', type: 'audit.failed' });
  [conflict = 0, fetched = 0] = await idsOf(sql<{ id: number }>`
    insert into conflicts (account, provider, kind, code, subject, ledger_id)
    select 'acme', 'stripe', 'unsigned_disagreement', 'disagrees', 'event:' || id, id from ledger returning id`);
  [message = 0, boardMessage = 0] = await idsOf(sql<{ id: number }>`
    with message as (insert into outbox (ledger_id, topic, key, payload) select id, 't', 'k', '{}' from ledger returning id)
    insert into outbox_deliveries (outbox_id, destination, state, finished_at) select id, 'one', 'dead', now() from message returning id`);
  await fail(system.queue.location, () => system.queue.add([failed]));
  await using outbox = openOutboxQueue(system.queue.location);
  await outbox.connected();
  await fail(outboxLocation(system.queue.location), () => outbox.add([boardMessage]));
  running = await runConsole({ environment: system.environment });
  cookie = await running.logIn(testOperatorPassword);
  csrf = /name="csrf" value="([^"]+)"/.exec(await pageOf('/replays'))?.[1] ?? '';
}, 60_000);
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
});

interface Way {
  readonly action: OperatorActionKind;
  readonly by: 'page' | 'command';
  readonly target: () => string;
  /** Does it; whether it says that it did. */
  readonly act: () => Promise<boolean>;
  /** Whether it is done. */
  readonly isDone: () => Promise<boolean>;
}

/** In this order: some change what the one before them made. */
const ways: readonly Way[] = [
  {
    action: 'replay.plan',
    by: 'page',
    target: () => `replay:${replay}`,
    act: async () => {
      const isDone = await post('/replays', { type: 'audit.*', why: 'mended' });
      const { rows } = await sql<{ id: string }>`select id::text as id from replays`.execute(system.db);
      replay = rows[0]?.id ?? '';
      return isDone;
    },
    isDone: () => holds(sql`select from replays`),
  },
  {
    action: 'replay.apply',
    by: 'page',
    target: () => `replay:${replay}`,
    act: () => post(`/replays/${replay}/apply`, {}),
    isDone: () => holds(sql`select from replays where state = 'running'`),
  },
  {
    action: 'replay.pause',
    by: 'command',
    target: () => `replay:${replay}`,
    act: () => command('worker/src/commands/replay', 'pause', replay),
    isDone: () => holds(sql`select from replays where state = 'paused'`),
  },
  {
    action: 'event.discard',
    by: 'page',
    target: () => 'event:acme/evt_dead1',
    act: () => post('/dead/evt_dead1/discard', { reason: 'theirs' }),
    isDone: () => holds(sql`select from ledger where provider_event_id = 'evt_dead1' and state = 'discarded'`),
  },
  {
    action: 'event.discard',
    by: 'command',
    target: () => 'event:acme/evt_dead2',
    act: () => command('worker/src/commands/dead', 'discard', '--event', 'evt_dead2', '--reason', 'ours'),
    isDone: () => holds(sql`select from ledger where provider_event_id = 'evt_dead2' and state = 'discarded'`),
  },
  {
    action: 'conflict.dismiss',
    by: 'command',
    target: () => `conflict:${conflict}`,
    act: () => command('worker/src/commands/conflicts', 'dismiss', String(conflict), '--reason', 'known'),
    isDone: () => holds(sql`select from conflicts where id = ${conflict} and state = 'dismissed'`),
  },
  {
    action: 'conflict.fetch',
    by: 'command',
    target: () => `conflict:${fetched}`,
    act: () => command('worker/src/commands/conflicts', 'resolve', String(fetched), '--wait', '0'),
    isDone: () => holds(sql`select from conflicts where id = ${fetched} and fetch_state = 'requested'`),
  },
  {
    action: 'delivery.retry',
    by: 'command',
    target: () => `delivery:${message}`,
    act: () => command('worker/src/commands/outbox', 'retry', String(message), '--reason', 'they are back'),
    isDone: () => holds(sql`select from outbox_deliveries where id = ${message} and state = 'queued'`),
  },
  {
    action: 'board.retry',
    by: 'page',
    target: () => `event:${failed.account}/${failed.eventId}`,
    act: () => retryOnBoard(system.queue.location.name, jobIdOf(failed)),
    isDone: async () => (await system.queue.placeOf(jobIdOf(failed))) !== 'failed',
  },
  {
    action: 'board.retry',
    by: 'page',
    target: () => `job:${system.queue.location.name}-outbox/delivery-${boardMessage}`,
    act: () => retryOnBoard(`${system.queue.location.name}-outbox`, `delivery-${boardMessage}`),
    isDone: async () => {
      await using outbox = openOutboxQueue(system.queue.location);
      const isDead = await holds(sql`select from outbox_deliveries where id = ${boardMessage} and state = 'dead'`);
      return (await outbox.bull.getJobState(`delivery-${boardMessage}`)) !== 'failed' || !isDead;
    },
  },
  {
    action: 'key.create',
    by: 'command',
    target: () => `key:${keyId}`,
    act: async () => {
      const made = await runScript(
        'apps/console/src/commands/api-key.ts',
        ['create', '--name', 'n', '--scopes', 'events:read'],
        system.environment,
      );
      keyId = /^psk_([0-9a-f]{12})_/.exec(made.stdout)?.[1] ?? '';
      return made.code === 0;
    },
    isDone: () => holds(sql`select from api_keys`),
  },
  {
    action: 'key.revoke',
    by: 'command',
    target: () => `key:${keyId}`,
    act: () => command('console/src/commands/api-key', 'revoke', keyId),
    isDone: () => holds(sql`select from api_keys where revoked_at is not null`),
  },
  {
    action: 'projections.rebuild',
    by: 'command',
    target: () => 'projections',
    act: () => command('worker/src/commands/rebuild'),
    isDone: async () => !(await holds(sql`select from payments where id = 'of_no_event'`)),
  },
  {
    action: 'payloads.rotate',
    by: 'command',
    target: () => 'payloads',
    act: () => command('worker/src/commands/payload-keys', 'rotate'),
    isDone: () => holds(sql`select from events where substring(body from 1 for 4) = '\\x00505301'`),
  },
];
test.each(ways)(
  '$action by $by is not done where the audit cannot tell of it, and else is one row: who, what, under which request, from where',
  async ({ action, by, target, act, isDone }) => {
    if (action === 'projections.rebuild') await tamper();
    await sql`
      create function audit_away() returns trigger language plpgsql as $$ begin raise 'the audit is away'; end $$`.execute(
      system.db,
    );
    await sql`
      create trigger audit_away before insert on operator_actions for each row execute function audit_away()`.execute(
      system.db,
    );
    try {
      expect([await act(), await isDone()]).toEqual([false, false]);
    } finally {
      await sql`drop function audit_away cascade`.execute(system.db);
    }
    const before = await actions();

    expect([await act(), await isDone()]).toEqual([true, true]);
    const { username } = userInfo();
    const who =
      by === 'page'
        ? { operator: 'ada', source: '127.0.0.1' }
        : { operator: username, source: `command of ${username} on ${hostname()}` };
    expect((await actions()).slice(before.length)).toEqual([
      expect.objectContaining({ action, target: target(), ...who, request_id: expect.stringMatching(/./) }),
    ]);
  },
);

async function post(path: string, form: Readonly<Record<string, string>>): Promise<boolean> {
  const answer = await running.ask(path, { method: 'POST', cookie, body: new URLSearchParams({ ...form, csrf }) });
  return answer.status === 303;
}

async function command(script: string, ...args: readonly string[]): Promise<boolean> {
  const environment = { ...system.environment, PAYLOAD_KEYS: payloadKeys };
  return (await runScript(`apps/${script}.ts`, args, environment)).code === 0;
}

/** As the board's own page asks for it. */
async function retryOnBoard(queue: string, jobId: string): Promise<boolean> {
  const page = await running.ask('/queues', { cookie, headers: { accept: 'text/html' } });
  const token = /XSRF-TOKEN=([^;]+)/.exec(page.headers.getSetCookie().join('\n'))?.[1] ?? '';
  const path = `/queues/api/queues/${queue}/${encodeURIComponent(jobId)}/retry`;
  return (await running.ask(path, { method: 'PUT', cookie, headers: { 'x-xsrf-token': token } })).ok;
}

async function pageOf(path: string): Promise<string> {
  return (await running.ask(path, { cookie, headers: { accept: 'text/html' } })).text();
}

/** Has what is added given up at once. */
async function fail(location: QueueLocation, add: () => Promise<unknown>): Promise<void> {
  const given = Promise.withResolvers<undefined>();
  await add();
  await using _consumer = consumeWebhooks({
    location,
    concurrency: 1,
    lockMs: 30_000,
    attempt: async () => {
      given.resolve(undefined);
      return { kind: 'dead', error: new Error('given up') };
    },
    onAbandoned: async () => undefined,
    onError: () => undefined,
  });
  // Disposing it waits for what it has in hand.
  await given.promise;
}

/** A payment that no event tells of: what a rebuild takes away. */
async function tamper(): Promise<void> {
  await sql`
    insert into payments (account, provider, id, status, amount_captured, amount_refunded, refund_state, dispute_state,
                          needs_fetch, version, occurred_at)
    values ('acme', 'stripe', 'of_no_event', 'pending', 0, 0, 'none', 'none', false, 1, now())`.execute(system.db);
}

function actions() {
  return system.db.selectFrom('operator_actions').selectAll().orderBy('id').execute();
}

async function holds(query: RawBuilder<unknown>): Promise<boolean> {
  const { rows } = await query.execute(system.db);
  return rows.length > 0;
}

async function idsOf(query: RawBuilder<{ readonly id: number }>): Promise<readonly number[]> {
  return (await query.execute(system.db)).rows.map(({ id }) => id);
}
