import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import { openConnection, requestHead } from './harness/raw-http.ts';
import {
  aStripeEvent,
  createTestSystem,
  postStripe,
  stripeSecret,
  type TestIngest,
  type TestSystem,
} from './harness/system.ts';
import { until } from './harness/until.ts';

/** What SIGTERM does: what is in hand is finished, nothing new is taken, the exit code is 0. */
let system: TestSystem;
beforeAll(async () => {
  system = await createTestSystem('redis', { PENSTOCK_CONFIG: 'tests/harness/slow-handler.test.config.ts' });
});
afterAll(() => system[Symbol.asyncDispose]());

describe('an ingest that is told to stop', () => {
  test('answers the request in hand, takes no new connection, and ends with 0 at once after it', async () => {
    const ingest = await system.startIngest();
    const { id, body } = aStripeEvent();
    using connection = await openConnection(ingest);
    connection.send(headOf(body));
    connection.send(body.subarray(0, 10));
    await inHand(ingest, connection.socket);

    ingest.kill('SIGTERM');
    await ingest.waitForLine(/stopping: finishing/);
    await until(() => isRefused(ingest), { what: 'new connections to be refused' });
    connection.send(body.subarray(10));
    expect(await connection.answer()).toMatchObject({ status: 200, body: JSON.stringify({ id, status: 'accepted' }) });
    const answered = performance.now();
    expect(await ingest.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - answered).toBeLessThan(3_000);
    expect(await system.queue.placeOf(`stripe.${id}`)).toBe('waiting');
  });

  test('is not kept by connections that are idle, silent or in the middle of a head', async () => {
    const ingest = await system.startIngest();
    using idle = await openConnection(ingest);
    const { body } = aStripeEvent();
    idle.send(headOf(body));
    idle.send(body);
    expect((await idle.answer()).status).toBe(200);
    using silent = await openConnection(ingest);
    using halfway = await openConnection(ingest);
    halfway.send('POST /webhooks/stripe HTTP/1.1\r\nHost: a');
    await inHand(ingest, halfway.socket);

    const started = performance.now();
    expect(await ingest.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(4_000);
    await Promise.all([idle.closed, silent.closed, halfway.closed]);
  });

  test('refuses another request on a connection that it had, and says when to come again', async () => {
    const ingest = await system.startIngest();
    const { body } = aStripeEvent();
    using held = await openConnection(ingest);
    held.send(headOf(body));
    await inHand(ingest, held.socket);
    ingest.kill('SIGTERM');
    await ingest.waitForLine(/stopping: finishing/);
    expect((await fetch(`${ingest.healthUrl}/ready`)).status).toBe(503);
    held.send(Buffer.concat([body, Buffer.from(headOf(body)), body]));
    await held.closed;
    expect(held.received().match(/^HTTP\/1\.1 200 /gm)).toHaveLength(1);
    expect(held.received()).not.toMatch(/HTTP\/1\.1 500/);
    expect(await ingest.exited).toEqual({ code: 0, signal: null });
  });

  test('ends with 1 when its time is up and a request is still in hand', async () => {
    const ingest = await system.startIngest({ SHUTDOWN_MS: '300' });
    using connection = await openConnection(ingest);
    connection.send(headOf(aStripeEvent().body));
    await inHand(ingest, connection.socket);
    expect(await ingest.stop()).toEqual({ code: 1, signal: null });
    expect(ingest.output()).toContain('not everything closed within 300 ms');
  });
});

test('a worker that is told to stop finishes the job in hand and ends with 0; another takes what is left', async () => {
  const ingest = await system.startIngest();
  const worker = await system.startWorker({ CONCURRENCY: '1' });
  const [inHandEvent, left] = [aStripeEvent(), aStripeEvent()];
  expect((await postStripe(ingest, inHandEvent.body)).status).toBe(200);
  const [, id = ''] = await worker.waitForLine(/^in hand: (\S+)$/);
  expect((await postStripe(ingest, left.body)).status).toBe(200);

  worker.kill('SIGTERM');
  await worker.waitForLine(/"stopping/);
  await sql`insert into repaired default values`.execute(system.db);
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  expect(await system.queue.placeOf(`stripe.${id}`)).toBe('completed');
  expect((await system.effects()).get(id)).toBe(1);

  await using _next = await system.startWorker();
  await until(async () => (await system.effects()).get(left.id) === 1, { what: 'what was left to be processed' });
  expect((await system.effects()).get(id)).toBe(1);
});

test('a worker that is told to stop gives back at once what it has not begun', async () => {
  await sql`delete from repaired`.execute(system.db);
  const ingest = await system.startIngest();
  // Five connections leave one for what is processed alone.
  const worker = await system.startWorker({ DATABASE_POOL_MAX: '5' });
  const [begun, notBegun] = [aStripeEvent(), aStripeEvent()];
  expect((await postStripe(ingest, begun.body)).status).toBe(200);
  await worker.waitForLine(new RegExp(`^in hand: ${begun.id}$`));
  expect((await postStripe(ingest, notBegun.body)).status).toBe(200);
  await until(async () => (await system.queue.counts()).active === 2, { what: 'both to be in hand' });

  worker.kill('SIGTERM');
  // A look for work that was under way may take it once more, to give it back once more.
  await until(
    async () => {
      const { waiting, active } = await system.queue.counts();
      return waiting === 1 && active === 1;
    },
    { what: 'what was not begun to be back' },
  );
  await using other = await system.startWorker();
  await other.waitForLine(new RegExp(`^in hand: ${notBegun.id}$`));
  await sql`insert into repaired default values`.execute(system.db);
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  expect(worker.output()).toMatch(/"webhooks":\d+,.*went back to the queue/);

  await until(async () => (await system.effects()).get(notBegun.id) === 1, {
    what: 'what was given back to be processed',
  });
  expect((await system.effects()).get(begun.id)).toBe(1);
});

function headOf(body: Buffer): string {
  return requestHead('POST /webhooks/stripe', {
    ...signStripeRequest({ body, secrets: [stripeSecret], signedAt: new Date() }),
    'content-length': String(body.length),
  });
}

/** What was sent before has been received: a later request on another connection has been answered. */
async function inHand(ingest: TestIngest, socket: { readonly bytesWritten: number }): Promise<void> {
  await until(() => socket.bytesWritten > 0, { what: 'the request to be sent' });
  expect((await fetch(`${ingest.url}unknown`, { method: 'POST', headers: { connection: 'close' } })).status).toBe(404);
}

async function isRefused(ingest: TestIngest): Promise<boolean> {
  const { hostname, port } = new URL(ingest.url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}
