import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { slaBeside, slaByType } from '@penstock/db/sla';
import { freePort } from '@penstock/local/ports';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

let system: TestSystem;
const secret = 'whsec_Y2FuYXJ5IHNlY3JldCBvZiB0aGUgdGVzdHM=';

beforeAll(async () => {
  system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/canary.test.config.ts',
    CANARY_SECRET: secret,
  });
});
afterAll(() => system[Symbol.asyncDispose]());

test('a canary goes through the public port to a finished row, and counts for nobody but itself', async () => {
  await using ingest = await system.startIngest();
  await using worker = await system.startWorker({ CANARY_URL: `${ingest.url}canary` });
  const metrics = await until(
    async () => {
      const text = await (await fetch(`${worker.healthUrl}/metrics`)).text();
      return /penstock_canaries_total\{[^}]*outcome="arrived"[^}]*\} 1/.test(text) && text;
    },
    { what: 'the first canary to arrive' },
  );
  const at = Number(/penstock_canary_last_success_timestamp_seconds(?:\{[^}]*\})? ([\d.e+]+)/.exec(metrics)?.[1]);
  expect(Math.abs(at - Date.now() / 1_000)).toBeLessThan(60);
  expect(metrics).toMatch(/penstock_canary_round_trip_seconds(?:\{[^}]*\})? \d/);

  const rows = await system.db.selectFrom('ledger').select(['endpoint', 'state']).execute();
  expect(rows).toEqual([{ endpoint: 'canary', state: 'ignored' }]);
  // A handler for every event, and a destination for every event: neither is told.
  expect((await system.effects()).size).toBe(0);
  expect(await system.db.selectFrom('outbox').select('id').execute()).toEqual([]);
  const range = { from: new Date(Date.now() - 3_600_000), to: new Date(), lateMs: 30_000 };
  expect(await slaByType(system.db, range)).toEqual([]);
  expect(await slaBeside(system.db, { ...range, to: new Date(Date.now() + 1_000) })).toMatchObject({
    replayed: 0,
    canary: { sent: 1, late: 0, lastReceivedAt: expect.any(Date), p50: expect.any(Number) },
  });
});

test('a worker that is up before its ingest waits for it, and loses no canary', async () => {
  const port = await freePort();
  await using worker = await system.startWorker({ CANARY_URL: `http://127.0.0.1:${port}/webhooks/canary` });
  await using _ingest = await system.startIngest({ PORT: String(port) });
  await until(
    async () => {
      const text = await (await fetch(`${worker.healthUrl}/metrics`)).text();
      return /penstock_canaries_total\{[^}]*outcome="arrived"[^}]*\} 1/.test(text);
    },
    { what: 'the first canary to arrive' },
  );
  expect(worker.output()).not.toContain('a canary was lost');
});

test('a canary that is refused, or that nothing answers, is lost and said to be', async () => {
  await using ingest = await system.startIngest();
  await using refused = await system.startWorker({
    CANARY_URL: `${ingest.url}canary`,
    CANARY_SECRET: 'whsec_YW5vdGhlciBzZWNyZXQgdGhhbiBpbmdlc3QgaGFz',
  });
  const line = await refused.waitForLine(/a canary was lost/);
  expect(JSON.parse(line.input)).toMatchObject({ level: 'error', reason: 'answered 401' });
  await refused.stop();
  // Somebody is there, and hangs up.
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await using unanswered = await system.startWorker({ CANARY_URL: `http://127.0.0.1:${port}/webhooks/canary` });
    await unanswered.waitForLine(/a canary was lost/);
    const text = await (await fetch(`${unanswered.healthUrl}/metrics`)).text();
    expect(text).toMatch(/penstock_canary_since_timestamp_seconds(?:\{[^}]*\})? [\d.e+]+/);
    expect(text).not.toMatch(/^penstock_canary_last_success_timestamp_seconds/m);
  } finally {
    server.close();
  }
});
