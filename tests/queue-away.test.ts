import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { openWebhookQueue, type WebhookQueue } from '@penstock/runtime/webhook-queue';
import { expectProblem } from './harness/problems.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/**
 * The queue hangs or dies under a running ingest: 503 at once, never a 2xx that
 * nothing stands behind, and the same event is taken once the queue is back.
 */
// Where Redis comes in a container there is no server of ours to stop.
describe.runIf(findRedisServer() !== null)('while the queue is away', () => {
  let system: TestSystem;
  let redis: Awaited<ReturnType<typeof startRedisServer>>;
  let ingest: TestIngest;
  let queue: WebhookQueue;
  const dir = join(testRunDir(), 'queue-away-redis');

  beforeAll(async () => {
    redis = await startRedisServer({ dir });
    // The default, which the other tests have raised.
    system = await createTestSystem('redis', {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'webhooks',
      ENQUEUE_MS: '200',
      PENSTOCK_CONFIG: 'tests/harness/stripe.test.config.ts',
    });
    queue = openWebhookQueue({ backend: 'redis', url: redis.url, name: 'webhooks' });
    ingest = await system.startIngest();
    expect((await postStripe(ingest, aStripeEvent().body)).status).toBe(200);
  });
  afterAll(async () => {
    await ingest.stop();
    await queue[Symbol.asyncDispose]();
    await redis.stop();
    await system[Symbol.asyncDispose]();
  });

  test('a queue that hangs is answered for with 503 in time, and so are many at once', async () => {
    const event = aStripeEvent();
    process.kill(redis.pid, 'SIGSTOP');
    try {
      await expectUnavailable(event.body);
      const started = performance.now();
      const answers = await Promise.all(Array.from({ length: 50 }, () => postStripe(ingest, aStripeEvent().body)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 503));
      expect(performance.now() - started).toBeLessThan(2_000);
      expect(await readiness()).toMatchObject({
        status: 503,
        body: expect.stringContaining('"name":"redis","ok":false'),
      });
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await expectTaken(event);
  });

  test('with the memory that deploy/ gives it, ingest outlives a queue that hangs while large events keep coming', async () => {
    const { limitMiB, environment } = memoryOfDeployed();
    await using small = await system.startIngest(environment);
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const { body } = aStripeEvent({ object: { id: 'ch_1', note: '"'.repeat(64 * 1024) } });
      const send = async (): Promise<number> => (await postStripe(small, body)).status;
      // Some three times of what may wait, from as many senders as make it come at once.
      for (let round = 0; round < 8; round += 1)
        expect(new Set(await Promise.all(Array.from({ length: 50 }, send)))).toEqual(new Set([503]));
      expect(peakMiBOf(small.pid)).toBeLessThan(limitMiB);
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    const event = aStripeEvent();
    await until(async () => (await postStripe(small, event.body)).status === 200, { what: 'an event to be taken' });
  });

  test('a queue that is dead is answered for with 503 in time; what was acknowledged before is still there after it', async () => {
    const [before, during] = [aStripeEvent(), aStripeEvent()];
    expect((await postStripe(ingest, before.body)).json).toMatchObject({ status: 'accepted' });
    await redis.kill();
    await expectUnavailable(during.body);
    await expectUnavailable(during.body);
    expect(await readiness()).toMatchObject({ status: 503 });
    redis = await startRedisServer({ dir, port: redis.port });
    await expectTaken(during);
    expect((await postStripe(ingest, before.body)).json).toMatchObject({
      status: 'duplicate',
      detail: 'already queued',
    });
  });

  test('an ingest that is started while the queue is dead answers 503, and takes events once it is there', async () => {
    await redis.kill();
    await using late = await system.startIngest();
    const event = aStripeEvent();
    expect((await postStripe(late, event.body)).status).toBe(503);
    redis = await startRedisServer({ dir, port: redis.port });
    await until(async () => (await postStripe(late, event.body)).status === 200, { what: 'the event to be taken' });
  });

  test('a queue that is nearly full is answered for with 503 before it is, and taken from again once there is room', async () => {
    const admin = new Redis(redis.url);
    try {
      const used = Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1]);
      await admin.config('SET', 'maxmemory', Math.round(used / 0.95));
      const event = aStripeEvent();
      await until(async () => (await postStripe(ingest, event.body)).json['code'] === 'overloaded', {
        what: 'requests to be turned away',
      });
      const { status, headers, json } = await postStripe(ingest, event.body);
      expectProblem({ status, headers, body: JSON.stringify(json) }, { status: 503, code: 'overloaded' });
      expect(headers.get('retry-after')).toBe('30');
      await admin.config('SET', 'maxmemory', used * 10);
      await until(async () => (await postStripe(ingest, event.body)).status === 200, { what: 'the event to be taken' });
    } finally {
      await admin.config('SET', 'maxmemory', 0);
      admin.disconnect();
    }
  });

  async function expectUnavailable(body: Buffer): Promise<void> {
    const started = performance.now();
    const { status, headers, json } = await postStripe(ingest, body);
    expect(performance.now() - started).toBeLessThan(2_000);
    expectProblem({ status, headers, body: JSON.stringify(json) }, { status: 503, code: 'queue_unavailable' });
    expect(headers.get('retry-after')).toBe('5');
  }

  /** Accepted now, or found to have been queued although the answer came too late to say so. */
  async function expectTaken(event: { readonly id: string; readonly body: Buffer }): Promise<void> {
    await until(async () => (await postStripe(ingest, event.body)).status === 200, { what: 'the event to be taken' });
    await until(async () => (await queue.placeOf(`stripe.${event.id}`)) === 'waiting', { what: 'its job' });
    await until(async () => (await readiness()).status === 200, { what: 'readiness' });
  }

  async function readiness(): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`${ingest.healthUrl}/ready`);
    return { status: response.status, body: await response.text() };
  }
});

/** What compose.yaml sets for an ingest's memory, and the container's limit. */
function memoryOfDeployed(): { readonly limitMiB: number; readonly environment: Readonly<Record<string, string>> } {
  const compose = readFileSync('deploy/compose.yaml', 'utf8');
  const ingest = compose.slice(compose.indexOf('x-ingest:'), compose.indexOf('\nservices:'));
  const setting = (name: string): string => new RegExp(`^ +${name}: '?(.+?)'?$`, 'm').exec(ingest)?.[1] ?? `no ${name}`;
  const names = ['NODE_OPTIONS', 'ENQUEUE_BYTES_MAX', 'BODIES_BYTES_MAX'];
  return {
    limitMiB: Number(/memory: (\d+)M/.exec(ingest)?.[1]),
    environment: Object.fromEntries(names.map((name) => [name, setting(name)])),
  };
}

/** The most it has ever held in memory: proc(5), VmHWM. */
function peakMiBOf(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
