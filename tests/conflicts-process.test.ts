import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runConsole, type RunningConsole } from '@penstock/console/testing/run-console';
import { startPayPalStandIn, type PayPalStandIn } from '@penstock/core/providers/paypal/fixtures/paypal-stand-in';
import { findConflicts } from '@penstock/db/find-conflicts';
import { aPayPalCapture } from './fixtures/paypal-captures.ts';
import { aStripeDelivery, aStripePayment } from './fixtures/stripe-objects.ts';
import { compileCache } from './harness/process.ts';
import { startCollector, type CollectedSpan, type Collector } from './harness/collector.ts';
import { scrape } from './harness/samples.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const payment = aStripePayment();
const orphan = aStripePayment();
const capture = aPayPalCapture('20.00');
const denied = aPayPalCapture('30.00');

let collector: Collector;

let api: PayPalStandIn;
let system: TestSystem;
let running: RunningConsole;
beforeAll(async () => {
  collector = await startCollector();
  api = await startPayPalStandIn(({ path }) => {
    if (path === '/v1/oauth2/token')
      return { status: 200, body: '{"access_token":"token-of-the-test","expires_in":3600}' };
    if (path === `/v1/notifications/webhooks-events/${capture.delivery.eventId}`)
      return { status: 200, body: capture.body };
    const known = [payment, orphan].find(({ intentId }) => path.startsWith(`/v1/payment_intents/${intentId}?`));
    return known && { status: 200, body: JSON.stringify({ ...known.succeeded, latest_charge: known.charge }) };
  });
  system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/conflicts.test.config.ts',
    STRIPE_API_ORIGIN: api.origin,
    FETCH_MS: '100',
    FETCH_GRACE_MS: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  running = await runConsole({ environment: system.environment });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
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

  const line = JSON.parse((await worker.waitForLine(/how the payment stands was fetched/)).input);
  const trace = await until(() => wholeTrace(line.traceId, 'fetch conflict'), { what: 'the trace of a question' });
  const asked = trace.find(({ name }) => name === 'fetch conflict');
  expect(asked?.attributes['penstock.request.id']).toBe(line.requestId);
  expect(trace.find(({ name }) => name === 'GET')).toMatchObject({
    kind: 3,
    parentSpanId: asked?.spanId,
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(api.origin).port),
      'url.full': expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1\/payment_intents\/pi_\w+$/),
    },
  });
  // What was told goes its way as an event of the same trace.
  expect(trace.find(({ name }) => name.startsWith('process '))?.parentSpanId).toBe(asked?.spanId);
  await worker.stop();
});

test('what a confirmation asks is a part of the event’s trace, counted once, and tells no secret', async () => {
  await using worker = await system.startWorker();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  await system.queue.add([
    { ...capture.delivery, traceparent },
    { ...denied.delivery, traceparent: traceparent.replaceAll('4bf9', '5cf9') },
  ]);
  await until(async () => (await system.queue.counts()).failed === 1, { what: 'the denied event to be dead' });
  const trace = await until(() => wholeTrace(traceId, `process ${system.queue.location.name}`), { what: 'the trace' });
  const processed = trace.find(({ name }) => name.startsWith('process '));
  const requests = trace.filter(({ kind, attributes }) => kind === 3 && attributes['server.address'] === '127.0.0.1');
  expect(requests.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual(
    expect.arrayContaining([['GET', processed?.spanId]]),
  );
  const sample = await scrape(worker.healthUrl);
  expect(sample('penstock_confirmations_total', { provider: 'paypal', outcome: 'confirmed' })).toBe(1);
  expect(sample('penstock_confirmations_total', { provider: 'paypal', outcome: 'denied' })).toBe(1);
  const asked = { server_address: '127.0.0.1', http_request_method: 'GET' };
  for (const status of ['200', '404'])
    expect(sample('http_client_request_duration_seconds_count', { ...asked, http_response_status_code: status })).toBe(
      1,
    );
  await worker.stop();
  for (const secret of [
    'token-of-the-test',
    'secret-of-the-test',
    'client-of-the-test',
    'rk_test_of_the_stand_in',
    'expand',
  ])
    expect(collector.received()).not.toContain(secret);
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

/** The spans of a trace, once that of this name, which ends last, is among them. */
function wholeTrace(traceId: string, name: string): readonly CollectedSpan[] | false {
  const trace = collector.spans.filter((span) => span.traceId === traceId);
  return trace.some((span) => span.name === name) && trace.some((span) => span.name.startsWith('process ')) && trace;
}

async function run(...args: readonly string[]) {
  const child = spawn(process.execPath, ['apps/worker/src/commands/conflicts.ts', ...args], {
    env: { PATH: process.env['PATH'], ...compileCache(), DATABASE_URL: system.environment['DATABASE_URL'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  return { code, stdout, stderr };
}
