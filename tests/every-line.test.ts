import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { client, testOperatorPassword, testPassword } from '@penstock/console/testing/run-console';
import { startProcess } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe } from './harness/system.ts';
import { until } from './harness/until.ts';

/** Lines of a process itself, which no request has caused. */
const ofTheProcess = [
  'listening',
  'taking webhooks',
  'stopping: finishing the requests in hand',
  'stopping: finishing the webhooks that were begun',
  'months were made ahead',
];

test('every line of a unit of work carries its request id and its trace id, and so does every answer; an error of the console is reported', async () => {
  await using system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/quoting-handler.test.config.ts',
    LOG_LEVEL: 'trace',
    CONSOLE_PASSWORD: testPassword,
    CONSOLE_OPERATOR_PASSWORD: testOperatorPassword,
  });
  await using ingest = await system.startIngest();
  await using worker = await system.startWorker();
  await using console = await startProcess({
    name: 'console',
    script: 'apps/console/src/main.ts',
    env: system.environment,
  });
  const { url } = JSON.parse((await console.waitForLine(/"listening/)).input);
  const operator = client(new URL(String(url)).origin);

  const genuine = aStripeEvent({ type: 'customer.created' }).body;
  const answers: Answer[] = [
    await postStripe(ingest, genuine),
    await postStripe(ingest, genuine),
    await postStripe(ingest, Buffer.from('{"hello":"world"}')),
    await postStripe(ingest, genuine, { secret: 'whsec_of_somebody_else' }),
    await read(await fetch(`${ingest.url}nowhere`, { method: 'POST' })),
    await read(await fetch(new URL('/elsewhere', ingest.url))),
  ];
  const cookie = await operator.logIn();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const asked = [
    await operator.sendPassword('not the password', { headers: { traceparent } }),
    await operator.ask('/', { cookie }),
    await operator.ask('/nowhere', { cookie, headers: { traceparent } }),
    await operator.ask('/dead', { headers: { accept: 'text/html' } }),
    await operator.ask('/api/events', { headers: { authorization: 'Bearer psk_wrong', traceparent } }),
    await operator.ask('/api/events', { cookie }),
    await operator.ask('/queues/api/queues', { cookie }),
    await operator.ask('/replays', { method: 'POST', cookie, headers: { traceparent } }),
  ];
  await sql`alter table conflicts rename to conflicts_away`.execute(system.db);
  const failed = await operator.ask('/conflicts', { cookie, headers: { traceparent } });
  await sql`alter table conflicts_away rename to conflicts`.execute(system.db);
  expect(failed.status).toBe(500);

  for (const { headers } of [...answers, ...asked, failed]) {
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{8,}$/);
    expect(headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/);
  }
  const ofIngest = answers.filter(isProblem);
  const ofConsole = (await Promise.all([...asked, failed].map(read))).filter(isProblem);
  for (const { headers, json } of [...ofIngest, ...ofConsole]) {
    const ids = { traceId: headers.get('x-trace-id'), requestId: headers.get('x-request-id') };
    expect(json).toMatchObject(ids);
  }
  expect(ofIngest).toHaveLength(4);
  expect(ofConsole.filter(({ headers }) => headers.get('x-trace-id') === traceId).length).toBeGreaterThan(3);
  const requestId = failed.headers.get('x-request-id') ?? '';
  const reported = JSON.parse((await console.waitForLine(/^reported: /)).input.slice('reported: '.length));
  expect(reported).toMatchObject({ message: 'a request failed', context: { requestId, traceId } });

  await until(async () => ((await system.ledger())['dead'] ?? 0) >= 1, { what: 'a dead letter' });
  await worker.waitForLine(/"msg":"webhook is dead/);
  for (const running of [ingest, worker, console]) await running.stop();
  for (const { name, output } of [ingest, worker, console]) {
    const lines = output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): unknown => JSON.parse(line));
    const told = lines.filter((line) => !ofTheProcess.some((message) => messageOf(line).startsWith(message)));
    expect(told.length, name).toBeGreaterThanOrEqual(3);
    for (const line of told)
      expect(line, name).toMatchObject({
        requestId: expect.stringMatching(/./),
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      });
  }
}, 180_000);

function messageOf(line: unknown): string {
  return typeof line === 'object' && line !== null && 'msg' in line ? String(line.msg) : '';
}

interface Answer {
  readonly headers: Headers;
  readonly json: unknown;
}

async function read(response: Response): Promise<Answer> {
  return { headers: response.headers, json: isProblem(response) ? await response.json() : null };
}

function isProblem({ headers }: Pick<Answer, 'headers'>): boolean {
  return headers.get('content-type') === 'application/problem+json';
}
