import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reviveDeliveries } from '@penstock/db/dead-deliveries';
import { runScript } from './harness/commands.ts';
import { startReceiver, type Receiver } from './harness/receiver.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;

let receiver: Receiver;
let system: TestSystem;
beforeAll(async () => {
  receiver = await startReceiver(secret);
  system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/forwarding.test.config.ts',
    RECEIVER_URL: receiver.url,
    RECEIVER_SECRET: secret,
  });
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

test(
  'a dead message is listed, told, and sent again by its number, by its destination, or with all: under its id, audited',
  { timeout: 180_000 },
  async () => {
    receiver.answerWith(() => ({ status: 410 }));
    const [first = 0, ...others] = [...(await promise('canonical', 3)), ...(await promise('told', 2))];
    await system.startWorker();
    await until(async () => (await idsIn('dead')).length === 5, { what: 'the messages to be dead' });

    const [listed, told, dry, absent] = await Promise.all([
      outbox('list', '--destination', 'canonical', '--limit', '2', '--json'),
      outbox('show', String(first)),
      outbox('retry', '--all', '--dry-run'),
      outbox('retry', '--destination', 'raw', '--reason', 'x'),
    ]);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ id: first + 2, last_status: 410 }, { id: first + 1 }]);
    expect([told.code, told.stdout]).toEqual([
      0,
      expect.stringMatching(/to canonical: dead[^]*answered 410[^]*"n": 1/),
    ]);
    expect(told.stdout).not.toContain('ada@example.com');
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringMatching(/^5 messages would be sent again; nothing was changed\n +3 {2}canonical.*\n +2 {2}told/),
    ]);
    expect(await idsIn('dead')).toHaveLength(5);
    expect(absent).toMatchObject({
      code: 1,
      stderr: 'No message to raw is dead; there are dead ones to canonical, told.\n',
    });

    receiver.answerWith(() => ({ status: 204 }));
    const rest = await outbox('list', '--destination', 'canonical', '--before', String(first + 1));
    expect(rest.stdout).toMatch(new RegExp(`^ +${first} .*dead after 1  answered 410\n$`));
    const one = await outbox('retry', String(first), '--reason', 'they are back', '--by', 'ada', '--json');
    expect([one.code, JSON.parse(one.stdout)]).toEqual([0, { retried: 1 }]);
    await until(async () => (await idsIn('delivered')).length === 1, { what: 'the message to arrive' });
    expect(await idsIn('delivered')).toEqual([first]);

    expect((await outbox('retry', '--destination', 'told', '--reason', 'they too')).code).toBe(0);
    expect((await outbox('retry', '--all', '--reason', 'all of it')).stdout).toMatch(/^2 messages will be sent again/);
    await until(async () => (await idsIn('delivered')).length === 5, { what: 'all to arrive' });
    expect(receiver.accepted.map(({ id }) => id).toSorted()).toEqual([first, ...others].map((id) => `msg_${id}`));

    const audit = await system.db
      .selectFrom('operator_actions')
      .select(['operator', 'action', 'target', 'reason', 'details'])
      .where('action', '=', 'delivery.retry')
      .orderBy('id')
      .execute();
    expect(audit.map(({ target }) => target).toSorted()).toEqual([first, ...others].map((id) => `delivery:${id}`));
    expect(audit[0]).toEqual({
      operator: 'ada',
      action: 'delivery.retry',
      target: `delivery:${first}`,
      reason: 'they are back',
      details: { destination: 'canonical', attempts: 1 },
    });
    const [again, nothing] = await Promise.all([
      outbox('retry', String(first), '--reason', 'x'),
      outbox('retry', '--all', '--reason', 'x'),
    ]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('delivery_not_dead') });
    expect(nothing).toMatchObject({ code: 1, stderr: 'No message is dead.\n' });
  },
);

test('only what is dead is revived, with all its attempts before it', async () => {
  const [dead = 0, queued = 0] = await promise('nowhere', 2);
  await sql`
    update outbox_deliveries set attempts = 6, state = case when id = ${dead} then 'dead' else 'queued' end,
      finished_at = case when id = ${dead} then now() end
    where id = any(${[dead, queued]}::bigint[])`.execute(system.db);
  const revived = [{ id: dead, destination: 'nowhere', attempts: 6 }];
  expect(await reviveDeliveries(system.db, [queued, dead, 999_999])).toEqual(revived);
  expect(await reviveDeliveries(system.db, [queued, dead])).toEqual([]);
  const rows = await system.db
    .selectFrom('outbox_deliveries')
    .select(['state', 'attempts', 'finished_at'])
    .where('id', 'in', [dead, queued])
    .orderBy('id')
    .execute();
  expect(rows).toEqual([
    { state: 'queued', attempts: 0, finished_at: null },
    { state: 'queued', attempts: 6, finished_at: null },
  ]);
});

test('what cannot be meant is refused with code 64, what is not there with code 1', async () => {
  const wrong = [
    ['retry', '--all'],
    ['retry', '--all', '--destination', 'told', '--reason', 'x'],
    ['list', '--state', 'lost'],
  ];
  const [runs, unknown] = await Promise.all([
    Promise.all(wrong.map((args) => outbox(...args))),
    outbox('show', '999999'),
  ]);
  expect(runs.map(({ code }) => code)).toEqual(wrong.map(() => 64));
  expect(runs.map(({ stderr }) => stderr.split('\n')[0])).toEqual([
    '--reason is missing: it stands in the audit',
    'retry needs one of: the numbers of messages, --destination NAME, --all',
    '--state must be dead, pending, queued, delivered or all',
  ]);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('delivery_unknown') });
});

function outbox(...args: readonly string[]) {
  return runScript('apps/worker/src/commands/outbox.ts', args, system.environment);
}

/** Promises messages to a destination, as the transaction of an event does. Returns their numbers. */
async function promise(destination: string, messages: number): Promise<readonly number[]> {
  const { rows } = await sql<{ readonly id: number }>`
    with entry as (
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, request_id)
      select 'a', ${destination} || n, 'e', 'stripe', 'e.' || ${destination} || n, sha256('x'), now(), 'r'
      from generate_series(1, ${messages}::int) n returning id, provider_event_id),
    message as (
      insert into outbox (ledger_id, topic, key, payload)
      select id, 't', provider_event_id, '{"n": 1, "email": "ada@example.com"}' from entry order by id returning id)
    insert into outbox_deliveries (outbox_id, destination) select id, ${destination} from message order by id returning id`.execute(
    system.db,
  );
  return rows.map(({ id }) => id);
}

async function idsIn(state: 'dead' | 'delivered'): Promise<readonly number[]> {
  const rows = await system.db
    .selectFrom('outbox_deliveries')
    .select('id')
    .where('state', '=', state)
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}
