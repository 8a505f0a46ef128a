import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runConsole, type RunningConsole } from '@penstock/console/testing/run-console';
import { startPayPalStandIn, type PayPalStandIn } from '@penstock/core/providers/paypal/fixtures/paypal-stand-in';
import { findConflicts } from '@penstock/db/find-conflicts';
import { aStripeDelivery, aStripePayment } from './fixtures/stripe-objects.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const payment = aStripePayment();
const orphan = aStripePayment();

let api: PayPalStandIn;
let system: TestSystem;
let running: RunningConsole;
beforeAll(async () => {
  api = await startPayPalStandIn(({ path }) => {
    const known = [payment, orphan].find(({ intentId }) => path.startsWith(`/v1/payment_intents/${intentId}?`));
    return known && { status: 200, body: JSON.stringify({ ...known.succeeded, latest_charge: known.charge }) };
  });
  system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/conflicts.test.config.ts',
    STRIPE_API_ORIGIN: api.origin,
    FETCH_MS: '100',
    FETCH_GRACE_MS: '0',
  });
  running = await runConsole({ environment: system.environment });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

test('a worker fetches a missing payment by itself, and another where it is asked to, each as an event of its own', async () => {
  await using worker = await system.startWorker();
  await system.queue.add([
    aStripeDelivery('payment_intent.succeeded', payment.succeeded, { created: 1_790_000_001 }),
    aStripeDelivery('payment_intent.canceled', payment.canceled, { created: 1_790_000_002 }),
    aStripeDelivery('refund.created', orphan.refund),
  ]);
  await until(async () => (await fetchedEvents()).length === 1, { what: 'the missing payment to be fetched' });
  const [conflict] = await until(
    async () => {
      const open = await findConflicts(system.db, { state: 'open' }, { limit: 10 });
      return open.length === 1 && open;
    },
    { what: 'one conflict to stay open' },
  );
  const id = String(conflict?.id);
  expect(conflict).toMatchObject({ kind: 'illegal_transition', payment: payment.intentId });

  expect(await run('list')).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      new RegExp(
        `^${id} illegal_transition acme ${payment.intentId} open.*\\n  After its money was captured .*: canceled\\.\\n$`,
      ),
    ),
    stderr: '',
  });
  const cookie = await running.logIn();
  const page = await (await running.ask('/conflicts', { cookie, headers: { accept: 'text/html' } })).text();
  expect(page).toContain(`<a href="/payments/${payment.intentId}?account=acme">${payment.intentId}</a>`);
  expect(await (await running.ask('/conflicts?kind=illegal_transition', { cookie })).json()).toMatchObject({
    conflicts: [{ id: conflict?.id, reason: expect.stringContaining('canceled') }],
    after: null,
  });
  expect(await (await fetch(`${worker.healthUrl}/metrics`)).text()).toMatch(
    /^penstock_conflicts_open\{.*kind="illegal_transition".*\} 1$/m,
  );

  const resolved = await run('resolve', id);
  expect(resolved).toMatchObject({ code: 0, stderr: '' });
  expect(resolved.stdout).toMatch(/state +resolved\n.*\n +closed .* by snapshot-[0-9a-f]{32}: consistent\n/);
  expect(await fetchedEvents()).toHaveLength(2);
  expect(await run('resolve', id)).toMatchObject({ code: 1, stderr: `The conflict ${id} is not open.\n` });
  await worker.stop();
});

test('nobody who is not logged in learns of conflicts', async () => {
  expect((await running.ask('/conflicts')).status).toBe(401);
});

test('what makes no sense is refused with what to say instead', async () => {
  const cookie = await running.logIn();
  const refused = await running.ask('/conflicts?kind=unheard', { cookie });
  expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'parameter_invalid' }]);
  expect(await run('dismiss', '1')).toMatchObject({ code: 78, stderr: expect.stringContaining('--reason') });
  expect(await run('show')).toMatchObject({ code: 78, stderr: expect.stringContaining('name one conflict') });
  expect(await run('show', '999999')).toMatchObject({ code: 1, stderr: 'There is no conflict 999999.\n' });
  expect(await run('list', '--kind', 'unheard')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('collision'),
  });
});

function fetchedEvents() {
  return system.db
    .selectFrom('events')
    .innerJoin('ledger', 'ledger.id', 'events.id')
    .select('events.type')
    .where('events.origin', '=', 'fetch')
    .where('ledger.state', '=', 'processed')
    .execute();
}

async function run(...args: readonly string[]) {
  const child = spawn(process.execPath, ['apps/worker/src/commands/conflicts.ts', ...args], {
    env: { PATH: process.env['PATH'], DATABASE_URL: system.environment['DATABASE_URL'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  return { code, stdout, stderr };
}
