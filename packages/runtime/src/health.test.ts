import { once } from 'node:events';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { serveHealth, type ReadinessCheck } from './health.ts';
import { createMetrics } from './metrics.ts';

async function serve(
  checks: readonly ReadinessCheck[] = [],
  given: { readonly stopping?: AbortSignal; readonly beforeScrape?: () => Promise<void> } = {},
) {
  const metrics = createMetrics({ process: 'test', version: '1.2.3', environment: 'test' });
  const served = await serveHealth({
    host: '127.0.0.1',
    port: 0,
    fallbackPort: 0,
    registry: metrics.registry,
    checks,
    stopping: new AbortController().signal,
    ...given,
  });
  const get = async (path: string): Promise<{ status: number; json: unknown }> => {
    const response = await fetch(`http://127.0.0.1:${served.port}${path}`);
    const json: unknown = await response.json();
    return { status: response.status, json };
  };
  return { ...served, metrics, get };
}

const holds: ReadinessCheck = { name: 'redis', check: async () => undefined };
const fails: ReadinessCheck = { name: 'database', check: async () => Promise.reject(new Error('connection refused')) };

describe('/ready', () => {
  test('is 200 with the latency of each check while all hold', async () => {
    await using health = await serve([holds]);
    expect(await health.get('/ready')).toEqual({
      status: 200,
      json: { status: 'ready', checks: [{ name: 'redis', ok: true, latencyMs: expect.any(Number) }] },
    });
  });

  test('is 503 with the name, latency and problem of the check that fails', async () => {
    await using health = await serve([holds, fails]);
    expect(await health.get('/ready')).toEqual({
      status: 503,
      json: {
        status: 'not ready',
        checks: [
          { name: 'redis', ok: true, latencyMs: expect.any(Number) },
          { name: 'database', ok: false, latencyMs: expect.any(Number), problem: 'connection refused' },
        ],
      },
    });
  });

  test('is 503 within two seconds and a half where a check hangs, and the other checks are told all the same', async () => {
    await using health = await serve([{ name: 'redis', check: () => new Promise(() => undefined) }, holds]);
    const started = performance.now();
    const answer = await health.get('/ready');
    expect(performance.now() - started).toBeLessThan(2_500);
    expect(answer).toMatchObject({
      status: 503,
      json: { checks: [{ ok: false, problem: 'no answer within 2000 ms' }, { ok: true }] },
    });
  });

  test('is 503 where a check throws at once, or something that is no error', async () => {
    const throwsAtOnce = (): Promise<void> => {
      throw new Error('at once');
    };
    await using health = await serve([
      { name: 'a', check: throwsAtOnce },
      { name: 'b', check: () => Promise.reject('no error') },
    ]);
    expect(await health.get('/ready')).toMatchObject({
      status: 503,
      json: { checks: [{ problem: 'at once' }, { problem: 'no error' }] },
    });
  });

  test('is 503 from the moment the process is asked to stop, /health stays 200', async () => {
    const stop = new AbortController();
    await using health = await serve([holds], { stopping: stop.signal });
    stop.abort();
    expect(await health.get('/ready')).toMatchObject({ status: 503, json: { status: 'stopping' } });
    expect(await health.get('/health')).toMatchObject({ status: 200 });
  });
});

test('/health is 200 even where nothing is ready, and its query is of no concern', async () => {
  await using health = await serve([fails]);
  expect(await health.get('/health?now')).toEqual({ status: 200, json: { status: 'alive' } });
});

describe('/metrics', () => {
  test('says what runs', async () => {
    await using health = await serve();
    const response = await fetch(`http://127.0.0.1:${health.port}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain(
      `penstock_build_info{version="1.2.3",commit="unknown",node="${process.version}",process="test",environment="test"} 1`,
    );
  });

  test('answers though what refreshes its gauges fails', async () => {
    await using health = await serve([], { beforeScrape: () => Promise.reject(new Error('the queue is away')) });
    expect((await fetch(`http://127.0.0.1:${health.port}/metrics`)).status).toBe(200);
  });
});

test('another path is 404, and no request target ends the process', async () => {
  await using health = await serve();
  expect(await health.get('/secrets')).toMatchObject({ status: 404 });
  for (const target of ['//', '//:', '*', 'http://[', '/%']) {
    const socket = connect(health.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect({ target, answer: await readText(socket) }).toEqual({
      target,
      answer: expect.stringMatching(/^HTTP\/1.1 404 /),
    });
  }
  expect(await health.get('/health')).toMatchObject({ status: 200 });
});
