import { sql } from 'kysely';
import { expect } from 'vitest';
import { runConsole, testOperatorPassword } from '@penstock/console/testing/run-console';
import { startPayPalStandIn } from '@penstock/core/providers/paypal/fixtures/paypal-stand-in';
import { openDatabase } from '@penstock/db/database';
import { aPayPalCapture } from '../fixtures/paypal-captures.ts';
import { aStripePayment } from '../fixtures/stripe-objects.ts';
import { runScript } from '../harness/commands.ts';
import { startReceiver } from '../harness/receiver.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from '../harness/system.ts';
import { until } from '../harness/until.ts';
import { numberFromAfar } from './replay.ts';

/** For everything that a roll starts. */
export const rollSettings = {
  // As in production: nothing here is killed, and what comes while no worker runs is taken all at once.
  LOCK_MS: '30000',
  PENSTOCK_CONFIG: 'tests/roll/roll.config.ts',
  PROVIDER_URL: 'http://127.0.0.1:9',
  RECEIVER_URL: 'http://127.0.0.1:9/hooks',
  RECEIVER_SECRET: `whsec_${Buffer.from('the secret of a roll, of no one').toString('base64')}`,
} as const;

/**
 * Has a worker, a console and the operators' commands do what they do in the
 * life of a ledger, one thing after the other, on an empty database.
 *
 * @param tapped leads to the database by the way that is listened to.
 */
export async function liveThroughADay(tapped: (databaseUrl: string) => Promise<string>): Promise<void> {
  const capture = aPayPalCapture('20.00');
  const payment = aStripePayment();
  const orphan = aStripePayment();
  await using receiver = await startReceiver(rollSettings.RECEIVER_SECRET);
  await using provider = await startPayPalStandIn(({ path }) => {
    if (path === '/v1/oauth2/token')
      return { status: 200, body: '{"access_token":"token-of-the-test","expires_in":3600}' };
    if (path === `/v1/notifications/webhooks-events/${capture.delivery.eventId}`)
      return { status: 200, body: capture.body };
    const known = [payment, orphan].find(({ intentId }) => path.startsWith(`/v1/payment_intents/${intentId}?`));
    return known && { status: 200, body: JSON.stringify({ ...known.succeeded, latest_charge: known.charge }) };
  });
  await using system = await createTestSystem('redis', {
    ...rollSettings,
    PROVIDER_URL: provider.origin,
    RECEIVER_URL: receiver.url,
    FETCH_MS: '100',
    FETCH_GRACE_MS: '0',
    SWEEP_MS: '1000',
  });
  await numberFromAfar(system.db);
  const environment = { ...system.environment, DATABASE_URL: await tapped(system.environment['DATABASE_URL'] ?? '') };
  const ingest = await system.startIngest();
  const worker = await system.startWorker(environment);
  const post = async (...bodies: readonly Buffer[]): Promise<void> => {
    const answers = await Promise.all(bodies.map((body) => postStripe(ingest, body)));
    expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 200));
  };
  const settled = (states: Readonly<Record<string, number>>) =>
    until(async () => isEqual(await system.ledger(), states), { what: `the ledger to be ${JSON.stringify(states)}` });

  // A refund whose payment is not known and is fetched; a payment whose story comes in the wrong order.
  await post(aStripeEvent({ type: 'refund.created', object: orphan.refund }).body);
  await settled({ processed: 2 });
  const told = [
    { type: 'payment_intent.canceled', object: payment.canceled, created: 1_790_000_004 },
    { type: 'charge.succeeded', object: payment.charge, created: 1_790_000_002 },
    { type: 'payment_intent.succeeded', object: payment.succeeded, created: 1_790_000_001 },
    { type: 'charge.dispute.created', object: aDispute(payment.charge.id), created: 1_790_000_005 },
    { type: 'payout.paid', object: aPayout, created: 1_790_000_006 },
  ].map(aStripeEvent);
  for (const { body } of told) await post(body);
  await settled({ processed: 7 });
  // Many at once; one a second time; one again with another body.
  const many = Array.from({ length: 16 }, () => aStripeEvent({ type: 'customer.deleted' }));
  const [first] = many;
  await post(...many.map(({ body }) => body));
  await settled({ processed: 23 });
  await post(...many.slice(0, 1).map(({ body }) => body), aStripeEvent({ id: first?.id ?? '', created: 1 }).body);
  await until(async () => (await count(system, 'collisions')) === 1, { what: 'the collision to be stored' });
  // What PayPal is asked about.
  await system.queue.add([capture.delivery]);
  await settled({ processed: 24 });
  // What is told to others.
  await post(aStripeEvent().body);
  await until(() => receiver.accepted.length === 1, { what: 'the message to be delivered' });
  // What fails: one is mended and replayed, one discarded.
  const [mended, given] = [aStripeEvent({ type: 'customer.updated' }), aStripeEvent({ type: 'customer.updated' })];
  await post(mended.body);
  await post(given.body);
  await settled({ processed: 25, dead: 2 });
  await operate(system, { environment, intentId: payment.intentId, mended: mended.id, given: given.id });
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
}

/** What operators do, on the console's pages, by the read API and by commands. */
async function operate(
  system: TestSystem,
  given: {
    readonly environment: Readonly<Record<string, string>>;
    readonly intentId: string;
    readonly mended: string;
    readonly given: string;
  },
): Promise<void> {
  const command = async (script: string, ...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runScript(script, args, { ...given.environment, FORCE_COLOR: '0' });
    expect([script, stderr]).toEqual([script, expect.not.stringMatching(/error|Usage/i)]);
    return stdout.trim();
  };
  const ofWorker = (name: string, ...args: readonly string[]) =>
    command(`apps/worker/src/commands/${name}.ts`, ...args);
  const ofConsole = (name: string, ...args: readonly string[]) =>
    command(`apps/console/src/commands/${name}.ts`, ...args);
  await using running = await runConsole({ environment: given.environment });
  const cookie = await running.logIn(testOperatorPassword);
  const look = async (...paths: readonly string[]): Promise<void> => {
    for (const path of paths)
      expect([path, (await running.ask(path, { cookie, headers: { accept: 'text/html' } })).status]).toEqual([
        path,
        200,
      ]);
  };
  await look(
    '/',
    `/payments/${given.intentId}`,
    '/conflicts',
    '/keys',
    '/sla',
    '/dead',
    `/dead/${given.mended}`,
    '/replays',
  );
  const scopes = 'events:read,payments:read,payloads:read';
  const token = await ofConsole('api-key', 'create', '--name', 'reader', '--scopes', scopes);
  const headers = { authorization: `Bearer ${token}` };
  const first = (await system.db.selectFrom('events').select('id').orderBy('id').executeTakeFirst())?.id;
  for (const path of [
    ...['events', 'payments', 'refunds', 'disputes', 'payouts'].map((list) => `/api/${list}`),
    '/api/events?limit=5&type=customer.created&state=processed',
    `/api/events/${first}`,
    `/api/events/${first}/payload`,
    `/api/payments/${given.intentId}`,
  ]) {
    const { status } = await running.ask(path, { headers });
    expect([path, status]).toEqual([path, 200]);
  }

  await repair(given.environment['DATABASE_URL'] ?? '');
  const page = await (await running.ask('/replays', { cookie, headers: { accept: 'text/html' } })).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const post = (path: string, form: Record<string, string>) =>
    running.ask(path, { method: 'POST', cookie, body: new URLSearchParams({ ...form, csrf }) });
  expect((await post(`/dead/${given.given}/discard`, { reason: 'theirs' })).status).toBe(303);
  const planned = (await post('/replays', { event: given.mended, type: 'customer.*', why: 'mended' })).headers;
  expect((await post(`${planned.get('location')}/apply`, {})).status).toBe(303);
  await until(
    async () => {
      const { rows } = await sql<{ state: string }>`select state from replays`.execute(system.db);
      return rows[0]?.state === 'done';
    },
    { what: 'the worker to end the replay' },
  );
  await look(planned.get('location') ?? '', '/replays');

  await ofWorker('payment', given.intentId);
  await ofWorker('dead', 'report');
  await ofWorker('dead', 'list');
  await ofWorker('replay', 'list');
  await ofWorker('outbox', 'list', '--state', 'all');
  await ofWorker('conflicts', 'list');
  await ofWorker('sla', 'report');
  await ofConsole('api-key', 'list');
  await ofConsole('api-key', 'revoke', token);
}

/** As somebody does who mends what the handler needs. */
async function repair(url: string): Promise<void> {
  await using db = openDatabase({ url, poolMax: 1, applicationName: 'repair' });
  await sql`insert into repaired default values`.execute(db);
}

async function count(system: TestSystem, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int from ${sql.table(table)}`.execute(system.db);
  return rows[0]?.count ?? 0;
}

function isEqual(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => (one[name] ?? 0) === (other[name] ?? 0));
}

const aPayout = { id: 'po_1', object: 'payout', amount: 5_000, currency: 'eur', status: 'paid' };

function aDispute(charge: string): Record<string, unknown> {
  return {
    id: 'dp_1',
    object: 'dispute',
    amount: 1_000,
    currency: 'eur',
    charge,
    status: 'needs_response',
    reason: 'fraudulent',
    balance_transactions: [],
  };
}
