import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { expectProblem } from './harness/problems.ts';
import { startProcess } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** An endpoint's rate limit, a token bucket in Redis, with two ingests that share it, as the user that a deployment makes. */
describe.runIf(findRedisServer() !== null)('an endpoint with a rate limit', () => {
  let system: TestSystem;
  const server = {
    dir: join(testRunDir(), 'rate-limit-redis'),
    extraArgs: ['--user', 'penstock', 'on', '>pw', ...rightsOfDeployment()],
  };
  let redis: Awaited<ReturnType<typeof startRedisServer>>;
  let ingests: readonly [TestIngest, TestIngest];

  beforeAll(async () => {
    redis = await startRedisServer(server);
    system = await createTestSystem('redis', {
      REDIS_URL: redis.url.replace('//', '//penstock:pw@'),
      QUEUE_NAME: 'webhooks',
      PENSTOCK_CONFIG: 'tests/harness/limits.test.config.ts',
    });
    ingests = await Promise.all([system.startIngest(), system.startIngest()]);
  });
  afterAll(async () => {
    await Promise.all(ingests.map((ingest) => ingest.stop()));
    await redis.stop();
    await system[Symbol.asyncDispose]();
  });

  const post = (options: { readonly from?: 0 | 1; readonly endpoint?: string; readonly secret?: string } = {}) =>
    postStripe(ingests[options.from ?? 0], aStripeEvent().body, {
      endpoint: options.endpoint ?? 'limited',
      ...options,
    });

  test('tells how it stands, and loses nothing of it to forged requests', async () => {
    // An ingest whose connection has only just opened may not be told in time, and lets through without a word.
    const told = async (from: 0 | 1) => {
      const { status, headers } = await post({ from });
      expect(status).toBe(200);
      return headers.get('ratelimit') !== null && headers;
    };
    const first = await until(() => told(0), { what: 'an ingest to tell how it stands' });
    expect(first.get('ratelimit-policy')).toBe('"endpoint";q=60;w=60');
    expect(first.get('ratelimit')).toMatch(/^"endpoint";r=5\d;t=\d$/);
    for (let number = 0; number < 100; number += 1)
      expect((await post({ secret: 'whsec_of_somebody_else' })).status).toBe(401);
    const then = await until(() => told(1), { what: 'the other ingest to tell how it stands' });
    expect(Number(/r=(\d+)/.exec(then.get('ratelimit') ?? '')?.[1])).toBeGreaterThan(50);
  });

  test('takes a burst from all processes together, and answers the rest 429 with when to come back', async () => {
    const began = performance.now();
    const answers: Awaited<ReturnType<typeof post>>[] = [];
    const burst = async () => {
      const posted = Array.from({ length: 100 }, (_, number) => post({ from: number % 2 === 0 ? 0 : 1 }));
      answers.push(...(await Promise.all(posted)));
      return answers.some(({ status }) => status === 429);
    };
    // What Redis does not say in time is let through, and a burst may outrun it.
    await until(burst, { what: 'a request to be limited' });
    const taken = answers.filter(({ status }) => status === 200).length;
    // A token comes back each second that this takes.
    const more = (performance.now() - began) / 1_000 + (await metric('penstock_rate_limit_unanswered_total'));
    expect(taken).toBeGreaterThan(50);
    expect(taken).toBeLessThan(62 + more);
    const limited = answers.find(({ status }) => status === 429);
    expect(limited).toBeDefined();
    expectProblem(
      { status: 429, headers: limited?.headers ?? new Headers(), body: JSON.stringify(limited?.json) },
      { status: 429, code: 'rate_limited' },
    );
    expect(limited?.headers.get('retry-after')).toBe('1');
    expect(limited?.headers.get('ratelimit')).toMatch(/^"endpoint";r=0;t=\d\d$/);
    expect(await metric('penstock_rate_limited_total')).toBe(answers.length - taken);
  });

  test('takes one again once there is a token, and an endpoint without a limit never asks', async () => {
    await until(async () => (await post()).status === 200, { what: 'a token' });
    const other = await post({ endpoint: 'stripe' });
    expect(other.status).toBe(200);
    expect(other.headers.get('ratelimit')).toBeNull();
  });

  test('lets requests through while Redis does not answer, and counts them', async () => {
    await until(async () => (await post()).status === 200, { what: 'the bucket not to be known as spent' });
    await until(async () => (await post()).status === 429, { what: 'the bucket to be spent' });
    await redis.kill();
    // The queue is away with it, so the answer is its 503 and not a 429; a spool would take the event.
    await until(async () => (await post()).json['code'] === 'queue_unavailable', {
      what: 'a request to be let through',
    });
    expect(await metric('penstock_rate_limit_unanswered_total')).toBeGreaterThan(0);
    redis = await startRedisServer({ ...server, port: redis.port });
    await until(async () => (await post()).headers.get('ratelimit') !== null, { what: 'the limit to hold again' });
  });

  test('is refused at start where there is no Redis to share it by', async () => {
    await using onPostgres = await createTestSystem('postgres', {
      PENSTOCK_CONFIG: 'tests/harness/limits.test.config.ts',
    });
    await using started = await startProcess({
      name: 'ingest',
      script: 'apps/ingest/src/main.ts',
      env: onPostgres.environment,
    });
    expect((await started.exited).code).toBe(78);
    expect(started.output()).toContain('endpoint limited: a rateLimit needs REDIS_URL');
  });

  async function metric(name: string): Promise<number> {
    const texts = await Promise.all(ingests.map(async ({ healthUrl }) => (await fetch(`${healthUrl}/metrics`)).text()));
    const lines = texts.flatMap((text) => text.split('\n').filter((line) => line.startsWith(`${name}{`)));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf('} ') + 2)), 0);
  }
});

/** What `deploy/make-secrets.sh` lets Penstock's user do. */
function rightsOfDeployment(): readonly string[] {
  const script = readFileSync(join(import.meta.dirname, '../deploy/make-secrets.sh'), 'utf8');
  const rights = /user penstock on #%s (?<rights>.+?)\\n/.exec(script)?.groups?.['rights'];
  if (rights === undefined) throw new Error('deploy/make-secrets.sh makes no user for Redis');
  return rights.split(' ');
}
