import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runConsole, testOperatorPassword, type RunningConsole } from '@penstock/console/testing/run-console';
import { encodeBody, jobIdOf, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { migrateQueue } from '@penstock/runtime/queue-backends';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { openWebhookQueue, type WebhookQueue } from '@penstock/runtime/webhook-queue';
import { until } from './harness/until.ts';

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase(inject('postgresUrl'))));
afterAll(() => database[Symbol.asyncDispose]());

describe.each(['redis', 'postgres'] as const)('over a queue on %s', (backend) => {
  const name = `console-${randomUUID().slice(0, 8)}`;
  let queue: WebhookQueue;
  let running: RunningConsole;
  let cookie: string;
  const dead = delivery('evt_dead');
  const waiting = delivery('evt_waiting');

  beforeAll(async () => {
    const location: QueueLocation = { backend, name, url: backend === 'redis' ? inject('redisUrl') : database.url };
    await migrateQueue(location);
    queue = openWebhookQueue(location);
    await queue.connected();
    await queue.add([dead]);
    {
      await using _worker = consumeWebhooks({
        location,
        concurrency: 1,
        lockMs: 30_000,
        attempt: async () => ({ kind: 'dead', error: new Error('no handler could take it') }),
        onAbandoned: async () => undefined,
        onError: () => undefined,
      });
      await until(async () => (await queue.counts()).failed === 1, { what: 'the dead letter' });
    }
    await queue.add([waiting]);
    running = await runConsole({
      environment: {
        DATABASE_URL: database.url,
        QUEUE_NAME: name,
        [backend === 'redis' ? 'REDIS_URL' : 'QUEUE_DATABASE_URL']: location.url,
      },
    });
    cookie = await running.logIn();
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
    await queue.bulls()[0].obliterate({ force: true });
    await queue[Symbol.asyncDispose]();
  });

  test.each(['/queues', '/queues/queue/webhooks?status=failed'])(
    '%s is the board, with the policy that its own files need',
    async (path) => {
      const answer = await running.ask(path, { cookie, headers: { accept: 'text/html' } });
      expect([answer.status, await answer.text()]).toEqual([
        200,
        expect.stringContaining('<title>Penstock queues</title>'),
      ]);
      expect(answer.headers.get('content-security-policy')).toBe(
        "default-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'",
      );
    },
  );

  test("a reload of the board's own address leads to it", async () => {
    const answer = await running.ask('/queues/', { cookie });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/queues']);
  });

  test("every file that the page names is there, and none is another host's", async () => {
    const page = await (await running.ask('/queues', { cookie })).text();
    expect(page).not.toContain('="https:');
    const files = [...page.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files.length).toBeGreaterThan(4);
    for (const file of files)
      expect([file, (await running.ask(`/queues/${file}`, { cookie })).status]).toEqual([file, 200]);
  });

  test('the board counts the events and shows a dead one with its reason', async () => {
    const answer = await running.ask(`/queues/api/queues?activeQueue=${name}&status=failed&page=1&jobsPerPage=10`, {
      cookie,
    });
    const board: unknown = await answer.json();
    expect(board).toMatchObject({
      queues: [
        {
          name,
          displayName: 'Webhooks',
          readOnlyMode: true,
          allowRetries: false,
          counts: { waiting: 1, failed: 1 },
          jobs: [{ id: jobIdOf(dead), failedReason: expect.stringContaining('no handler could take it') }],
        },
        { name: `${name}-outbox`, displayName: 'Outbox', readOnlyMode: true },
      ],
    });
    const one = await running.ask(`/queues/api/queues/${name}/${jobIdOf(dead)}`, { cookie });
    expect(await one.json()).toMatchObject({
      status: 'failed',
      job: { id: jobIdOf(dead), data: { eventId: 'evt_dead' } },
    });
    expect((await running.ask('/queues/api/redis/stats', { cookie })).status).toBe(200);
  });

  test('the front page counts them too', async () => {
    const page = await (await running.ask('/', { cookie })).text();
    expect(page).toMatch(
      /waiting<\/th><td class="n">1<[^]*failed<\/th><td class="n">1<[^]*total<\/th><td class="n">2</,
    );
  });

  const changes = [
    ['PUT', 'retry/failed'],
    ['PUT', 'clean/failed'],
    ['PUT', 'promote'],
    ['PUT', 'pause'],
    ['PUT', 'resume'],
    ['PUT', 'empty'],
    ['PUT', 'obliterate'],
    ['PUT', 'concurrency'],
    ['PUT', 'rate-limit'],
    ['POST', 'add'],
    ['PUT', `${jobIdOf(dead)}/retry`],
    ['PUT', `${jobIdOf(dead)}/clean`],
    ['PATCH', `${jobIdOf(waiting)}/update-data`],
  ] as const;

  /** Asks for a change of the board, as its own page does. */
  const change = async (method: string, what: string, as: string) => {
    const page = await running.ask('/queues', { cookie: as, headers: { accept: 'text/html' } });
    const token = /XSRF-TOKEN=([^;]+)/.exec(page.headers.getSetCookie().join('\n'))?.[1];
    const answer = await running.ask(`/queues/api/queues/${what}`, {
      method,
      cookie: as,
      headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { 'x-xsrf-token': token }) },
      body: '{"name":"x","data":"{}","jobData":{},"max":1,"duration":1,"concurrency":1,"options":{}}',
    });
    const text = await answer.text();
    return { status: answer.status, code: text.startsWith('{') ? JSON.parse(text).code : undefined };
  };
  const asBefore = async (): Promise<void> => {
    expect(await queue.bulls()[0].isPaused()).toBe(false);
    expect(await queue.counts()).toEqual({ waiting: 1, active: 0, delayed: 0, completed: 0, failed: 1 });
    expect((await queue.bulls()[0].getJob(jobIdOf(waiting)))?.data).toEqual(waiting);
  };

  test('a reader can change nothing through it', async () => {
    for (const [method, what] of [...changes, ['PUT', '../pause'] as const])
      expect([what, await change(method, `${name}/${what}`, cookie)]).toEqual([
        what,
        { status: 403, code: 'operator_required' },
      ]);
    await asBefore();
  });

  test('an operator can retry a single failed job through it, and do nothing else', async () => {
    const operator = await running.logIn(testOperatorPassword);
    for (const [method, what] of changes) {
      if (what === `${jobIdOf(dead)}/retry`) continue;
      const code = what.endsWith('update-data') ? 'facts_not_editable' : 'board_change_refused';
      expect([what, await change(method, `${name}/${what}`, operator)]).toEqual([what, { status: 405, code }]);
    }
    expect(await change('PUT', `${name}/${jobIdOf(waiting)}/retry`, operator)).toEqual({
      status: 409,
      code: 'job_not_failed',
    });
    const bare = { method: 'PUT', cookie: operator };
    const forged = await running.ask(`/queues/api/queues/${name}/${jobIdOf(dead)}/retry`, bare);
    expect([forged.status, await forged.json()]).toEqual([403, expect.objectContaining({ code: 'csrf_invalid' })]);
    await asBefore();

    expect((await change('PUT', `${name}/${jobIdOf(dead)}/retry`, operator)).status).toBe(204);
    expect(await queue.counts()).toMatchObject({ waiting: 2, failed: 0 });
    const actions = await database.db.selectFrom('operator_actions').select(['operator', 'action', 'target']).execute();
    expect(actions.at(-1)).toEqual({ operator: 'ada', action: 'board.retry', target: 'event:stripe/evt_dead' });
  });
});

function delivery(eventId: string): Delivery {
  const body = Buffer.from(`{"id":"${eventId}"}`);
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'stripe',
    eventId,
    type: 'payment_intent.succeeded',
    shape: 'event',
    occurredAt: '2026-01-01T00:00:00.000Z',
    receivedAt: '2026-01-01T00:00:01.000Z',
    livemode: false,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'key',
    transmissionId: null,
    requestId: 'request-1',
    contentType: 'application/json',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}
