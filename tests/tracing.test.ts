import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testRunDir } from '@penstock/local/test-services';
import { startPayPalSimulator } from '@penstock/start/paypal-simulator';
import { startCollector, type Collector, type CollectedSpan } from './harness/collector.ts';
import { queueBackends } from './harness/queues.ts';
import { startReceiver, type Receiver } from './harness/receiver.ts';
import { scrape } from './harness/samples.ts';
import {
  aStripeEvent,
  createTestSystem,
  paypalWebhookId,
  postStripe,
  type TestIngest,
  type TestSystem,
} from './harness/system.ts';
import { until } from './harness/until.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;

describe.each(queueBackends)('tracing with the queue in %s', (backend) => {
  let collector: Collector;
  let receiver: Receiver;
  let system: TestSystem;
  let ingest: TestIngest;
  beforeAll(async () => {
    collector = await startCollector();
    receiver = await startReceiver(secret);
    system = await createTestSystem(backend, {
      PENSTOCK_CONFIG: 'tests/harness/forwarding.test.config.ts',
      RECEIVER_URL: receiver.url,
      RECEIVER_SECRET: secret,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    });
    ingest = await system.startIngest();
    await system.startWorker();
  });
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
    await collector[Symbol.asyncDispose]();
  });

  test('one trace connects the provider’s request, the queue, the statements, the handler and the forwarded delivery', async () => {
    const traceId = randomBytes(16).toString('hex');
    const caller = randomBytes(8).toString('hex');
    const { id, body } = aStripeEvent({ type: 'customer.updated', object: { id: 'cus_1', email: 'jane@example.com' } });
    const answer = await postStripe(ingest, body, { headers: { traceparent: `00-${traceId}-${caller}-01` } });
    expect(answer.headers.get('x-trace-id')).toBe(traceId);

    const trace = await until(() => withSpan(collector, traceId, 'POST'), { what: 'the trace to be complete' });
    const received = only(trace, 'POST /webhooks/:endpoint');
    const sent = only(trace, `send ${system.queue.location.name}`);
    const processed = only(trace, `process ${system.queue.location.name}`);
    const handled = only(trace, 'handle tell');
    const forwarded = only(trace, 'POST');
    expect(received).toMatchObject({
      service: 'penstock-ingest',
      kind: 2,
      parentSpanId: caller,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/webhooks/:endpoint',
        'http.response.status_code': 200,
        'penstock.event.id': id,
        'penstock.outcome': 'accepted',
      },
    });
    expect(sent).toMatchObject({
      kind: 4,
      parentSpanId: received.spanId,
      attributes: { 'messaging.system': 'bullmq', 'messaging.operation.type': 'send' },
    });
    expect(processed).toMatchObject({
      service: 'penstock-worker',
      kind: 5,
      parentSpanId: sent.spanId,
      attributes: {
        'messaging.operation.type': 'process',
        'messaging.message.id': `stripe.${id}`,
        'penstock.outcome': 'processed',
      },
    });
    expect(handled).toMatchObject({ kind: 1, parentSpanId: processed.spanId });
    const statements = trace.filter(({ attributes }) => attributes['db.system.name'] === 'postgresql');
    expect(statements.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['begin', 'insert ledger', 'insert outbox', 'commit']),
    );
    const spans = new Set(trace.map(({ spanId }) => spanId));
    expect(statements.filter(({ parentSpanId }) => !spans.has(parentSpanId))).toEqual([]);
    expect(only(trace, 'insert outbox').parentSpanId).toBe(handled.spanId);
    expect(forwarded).toMatchObject({
      service: 'penstock-worker',
      kind: 3,
      parentSpanId: sent.spanId,
      attributes: { 'http.request.method': 'POST', 'http.response.status_code': 204, 'penstock.destination': 'told' },
    });
    const message = receiver.accepted.find((arrived) => arrived.body.includes(id));
    expect(message?.headers['traceparent']).toBe(`00-${traceId}-${forwarded.spanId}-01`);
  });

  test('no span tells values of statements, nor what the payload says of people', async () => {
    const { id, body } = aStripeEvent({ type: 'customer.created', object: { id: 'cus_2', email: 'sam@example.com' } });
    const answer = await postStripe(ingest, body, { headers: { 'user-agent': 'sam@example.com' } });
    const traceId = answer.headers.get('x-trace-id') ?? '';
    await until(() => withSpan(collector, traceId, 'POST'), { what: 'the trace to be complete' });
    expect(collector.received()).not.toContain('example.com');
    const texts = collector.spans.flatMap(({ attributes }) => attributes['db.query.text'] ?? []).map(String);
    expect(texts.length).toBeGreaterThan(5);
    expect(texts.filter((text) => text.includes(id) || text.includes('cus_2'))).toEqual([]);
  });
});

test('with everything sampled away, a trace that failed is told by the process it failed in: what failed and what it was in, and no other', async () => {
  await using collector = await startCollector();
  await using system = await createTestSystem('redis', {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
  await using ingest = await system.startIngest();
  await using worker = await system.startWorker();
  const well = await postStripe(ingest, aStripeEvent({ type: 'customer.created' }).body);
  const ill = await postStripe(ingest, aStripeEvent({ type: 'customer.updated' }).body);
  const failed = ill.headers.get('x-trace-id') ?? '';
  await until(() => withSpan(collector, failed, `process ${system.queue.location.name}`), { what: 'the failed trace' });
  await until(async () => (await system.ledger())['processed'] === 1, { what: 'the other event to be processed' });
  await worker.stop();
  await ingest.stop();

  expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([failed]));
  expect(well.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/);
  const trace = collector.spans.filter(({ traceId }) => traceId === failed);
  expect(new Set(trace.map(({ service }) => service))).toEqual(new Set(['penstock-worker']));
  expect(only(trace, `process ${system.queue.location.name}`)).toMatchObject({
    status: 2,
    attributes: { 'error.type': 'test_poison' },
  });
  // What went well in it, such as statements, is not: nobody pays for those of the traces that nobody sees.
  expect(trace.filter(({ name }) => name === 'commit')).toEqual([]);
});

test('what ingest asks PayPal to verify a signature is a span of the request, and is counted with its status or its error', async () => {
  await using collector = await startCollector();
  await using paypal = await startPayPalSimulator(new Date());
  const rootsFile = path.join(testRunDir(), `roots-${randomUUID()}.pem`);
  writeFileSync(rootsFile, paypal.rootPem);
  await using system = await createTestSystem('redis', {
    PAYPAL_SIMULATOR_URL: paypal.origin,
    TRUSTED_ROOTS_FILE: rootsFile,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  await using ingest = await system.startIngest();
  const post = async (certificate: string) => {
    const body = Buffer.from(JSON.stringify({ id: 'WH-1', event_type: 'PAYMENT.SALE.PENDING', resource: {} }));
    const headers = paypal.sign({ body, webhookId: paypalWebhookId, sentAt: new Date() });
    const certUrl = (headers['paypal-cert-url'] ?? '').replace(/CERT-.*/, certificate);
    const sent = { ...headers, 'paypal-cert-url': certUrl };
    const answer = await fetch(`${ingest.url}paypal`, { method: 'POST', headers: sent, body });
    return answer.headers.get('x-trace-id') ?? '';
  };
  for (const { certificate, status, error } of [
    { certificate: 'CERT-00000000-penstock-demo', status: 200, error: '' },
    { certificate: 'CERT-11111111-unknown', status: 404, error: '404' },
  ]) {
    const traceId = await post(certificate);
    const trace = await until(() => withSpan(collector, traceId, 'POST /webhooks/:endpoint'), { what: 'the trace' });
    expect(only(trace, 'GET')).toMatchObject({
      service: 'penstock-ingest',
      kind: 3,
      parentSpanId: only(trace, 'POST /webhooks/:endpoint').spanId,
      status: error === '' ? 0 : 2,
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': status,
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(paypal.origin).port),
        'url.full': `${paypal.origin}/v1/notifications/certs/${certificate}`,
      },
    });
    const sample = await scrape(ingest.healthUrl);
    const labels = { http_request_method: 'GET', server_address: '127.0.0.1', error_type: error };
    expect(
      sample('http_client_request_duration_seconds_count', { ...labels, http_response_status_code: String(status) }),
    ).toBe(1);
  }
});

test('off, nothing of OpenTelemetry is loaded, and one trace id is in the answer, the lines, the dead letter and what is forwarded', async () => {
  await using receiver = await startReceiver(secret);
  await using system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/forwarding.test.config.ts',
    RECEIVER_URL: receiver.url,
    RECEIVER_SECRET: secret,
    NODE_OPTIONS: '--import=./tests/fixtures/tell-modules.ts',
  });
  await using ingest = await system.startIngest();
  await using worker = await system.startWorker();
  const { id, body } = aStripeEvent({ type: 'customer.created' });
  const answer = await postStripe(ingest, body);
  const traceId = answer.headers.get('x-trace-id') ?? '';
  const requestId = answer.headers.get('x-request-id') ?? '';
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  const [message] = await until(() => receiver.accepted.length === 1 && receiver.accepted, { what: 'the message' });
  expect(message?.headers['traceparent']?.split('-')[1]).toBe(traceId);
  const row = await system.db.selectFrom('ledger').select(['traceparent', 'request_id']).executeTakeFirstOrThrow();
  expect(row.traceparent?.split('-')[1]).toBe(traceId);
  expect(row.request_id).toBe(requestId);
  for (const line of [
    await ingest.waitForLine(/"msg":"webhook received"/),
    await worker.waitForLine(/"msg":"webhook processed"/),
    await worker.waitForLine(/"msg":"message delivered"/),
  ])
    expect(JSON.parse(line.input)).toMatchObject({ traceId, requestId });
  expect(worker.output()).toContain(id);

  await worker.stop();
  await ingest.stop();
  for (const process of [ingest, worker]) {
    const [, modules = ''] = /modules: (.*)/.exec(process.output()) ?? [];
    expect(modules).toContain('bullmq');
    // The metrics' library brings the interface, which does nothing by itself.
    expect(modules.split(' ').filter((name) => /opentelemetry\/(?!api$)/.test(name))).toEqual([]);
  }
});

/** The spans of a trace once one of this name is among them, and what encloses it too. */
function withSpan({ spans }: Collector, traceId: string, name: string): readonly CollectedSpan[] | false {
  const trace = spans.filter((span) => span.traceId === traceId);
  return trace.some((span) => span.name === name) && trace;
}

function only(trace: readonly CollectedSpan[], name: string): CollectedSpan {
  const [span, another] = trace.filter((candidate) => candidate.name === name);
  if (span === undefined || another !== undefined)
    throw new Error(`${name}: not one among ${trace.map((candidate) => candidate.name).join(', ')}`);
  return span;
}
