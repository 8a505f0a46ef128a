import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runConsole, type RunningConsole } from '@penstock/console/testing/run-console';
import { keyNameOf } from '@penstock/core/rotating-secrets';
import { listKeyUses, recordKeyUses } from '@penstock/db/key-uses';
import { compileCache } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const [older, newer] = ['whsec_the_older_secret', 'whsec_the_newer_secret'];

let system: TestSystem;
let running: RunningConsole;
beforeAll(async () => {
  system = await createTestSystem();
  running = await runConsole({ environment: system.environment, now: () => new Date('2027-01-01T12:00:00Z') });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
});

test('the console and the metric tell which secret was used when, before and after a new one is put first', async () => {
  const before = await system.startIngest({ STRIPE_WEBHOOK_SECRET: older });
  await send(before, older);
  const worker = await system.startWorker();
  await processed(1);
  await before.stop();

  const during = await system.startIngest({ STRIPE_WEBHOOK_SECRET: `${newer},${older}` });
  await send(during, older);
  await send(during, newer);
  await processed(3);
  const scraped = await (await fetch(`${during.healthUrl}/metrics`)).text();
  for (const secret of [older, newer])
    expect(scraped).toMatch(
      new RegExp(`^penstock_key_last_used_timestamp_seconds\\{.*key="${keyNameOf(secret)}".*\\} \\d{10}$`, 'm'),
    );
  expect(scraped).not.toContain('whsec_');
  // A worker that stops writes what it still has in memory.
  await worker.stop();

  const cookie = await running.logIn();
  const response = await running.ask('/keys', { cookie });
  expect(await response.json()).toMatchObject({
    keys: [
      { endpoint: 'stripe', keyId: keyNameOf(newer) },
      { endpoint: 'stripe', keyId: keyNameOf(older) },
    ],
  });
  const page = await (await running.ask('/keys', { cookie, headers: { accept: 'text/html' } })).text();
  expect(page).toMatch(
    new RegExp(`<code>${keyNameOf(newer)}</code></td><td><time datetime="[^"]+">[^<]+ UTC</time>, \\d+ days ago`),
  );
  expect(page).not.toContain('whsec_');
});

test('nobody who is not logged in learns of the keys', async () => {
  expect((await running.ask('/keys')).status).toBe(401);
});

test('uses told in any order widen what is known and never narrow it', async () => {
  const use = (first: string, last: string) => ({
    endpoint: 'order',
    keyId: 'key-0a1b2c',
    firstUsedAt: new Date(first),
    lastUsedAt: new Date(last),
  });
  await recordKeyUses(system.db, [use('2026-03-01', '2026-03-02')]);
  await recordKeyUses(system.db, [use('2026-01-01', '2026-01-02')]);
  await recordKeyUses(system.db, [use('2026-02-01', '2026-02-02')]);
  const known = (await listKeyUses(system.db)).find(({ endpoint }) => endpoint === 'order');
  expect(known).toEqual(use('2026-01-01', '2026-03-02'));
});

test.each([
  {
    what: 'of a variable',
    args: ['SECRETS'],
    input: '',
    code: 0,
    stdout: `${keyNameOf(newer)}\n${keyNameOf(older)}\n`,
  },
  { what: 'of a file', args: [], input: `${older}\n`, code: 0, stdout: `${keyNameOf(older)}\n` },
  { what: 'of a variable that is not set', args: ['NOTHING'], input: '', code: 78, stdout: '' },
  { what: 'of nothing', args: [], input: '', code: 78, stdout: '' },
])('key-name tells the names $what', ({ args, input, code, stdout }) => {
  const run = spawnSync(process.execPath, ['apps/worker/src/commands/key-name.ts', ...args], {
    input,
    env: { PATH: process.env['PATH'], ...compileCache(), SECRETS: `${newer},${older}` },
    encoding: 'utf8',
  });
  expect([run.status, run.stdout]).toEqual([code, stdout]);
});

async function send(ingest: TestIngest, secret: string): Promise<void> {
  const { status } = await postStripe(ingest, aStripeEvent().body, { secret });
  expect(status).toBe(200);
}

async function processed(count: number): Promise<void> {
  await until(async () => (await system.ledger())['processed'] === count, { what: 'the events to be processed' });
}
