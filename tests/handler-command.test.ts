import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRunDir } from '@penstock/local/test-services';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { compileCache } from './harness/process.ts';
import { aDelivery } from './harness/deliveries.ts';
import { aStripeEvent, createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await createTestSystem();
});
afterAll(async () => system[Symbol.asyncDispose]());

test('handler test runs a handler on a recorded body, tells what it would write, and writes nothing', async () => {
  const event = aStripeEvent();
  const { code, stdout } = await run('test', 'count-customers', recorded(event.body), '--endpoint', 'stripe');
  expect(code).toBe(0);
  expect(stdout).toContain('count-customers, version 1, for stripe:customer.created');
  expect(stdout).toMatch(/statement insert into effects \(event_id\) values \(\$1\)/);
  expect(stdout).toContain(`["${event.id}"]`);
  expect(stdout).toContain('effects: 1 inserted, 0 updated, 0 deleted');
  expect(stdout).toContain('everything was rolled back');
  expect([await system.ledger(), (await system.effects()).size]).toEqual([{}, 0]);
});

test('handler test finds an event of the ledger by its id, processed or not', async () => {
  const charge = { id: 'ch_1', object: 'charge', amount: 500, amount_captured: 500, amount_refunded: 0 };
  const object = { ...charge, captured: true, currency: 'eur', paid: true, refunded: false, status: 'succeeded' };
  const event = aStripeEvent({ type: 'charge.succeeded', object });
  const delivery = aDelivery({
    account: 'acme',
    eventId: event.id,
    type: 'charge.succeeded',
    text: event.body.toString(),
  });
  await processWebhook({ jobId: event.id, data: delivery, attempt: 1 }, processWorld(system.db));
  const { code, stdout } = await run('test', 'count-captures', event.id);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/facts +payment.captured\npayment +ch_1 captured\n/)]);
  expect((await system.effects()).size).toBe(0);
});

test('a handler that fails is told with its failure, and is exit code 1', async () => {
  const event = aStripeEvent({ type: 'customer.updated' });
  const { code, stdout } = await run('test', 'fail-for-ever', recorded(event.body));
  expect([code, stdout]).toEqual([1, expect.stringContaining('failed: test_poison: this event can never be handled')]);
});

test('a handler whose pattern does not cover the event is run, and that is said', async () => {
  const { code, stdout } = await run('test', 'count-captures', recorded(aStripeEvent().body));
  expect([code, stdout]).toEqual([0, expect.stringContaining('does not cover it')]);
});

test.each([
  [['test', 'no-such-handler', 'evt_1'], 78, 'there is no handler named no-such-handler'],
  [['test', 'count-customers', 'evt_missing'], 78, 'evt_missing is neither a file nor an event of the ledger'],
  [['test', 'count-customers'], 78, 'name one handler and one event'],
  [['test', 'count-customers', 'evt_1', '--colour'], 78, '--colour'],
  [['try'], 64, 'Usage: pnpm handler test'],
])('handler %j is refused with code %i', async (args, code, message) => {
  const refused = await run(...args);
  expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(message)]);
});

test('handler --help tells how to use it', async () => {
  expect(await run('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: pnpm handler test') });
});

function recorded(body: Buffer): string {
  const file = path.join(testRunDir(), `${randomUUID()}.json`);
  writeFileSync(file, body);
  return file;
}

async function run(...args: readonly string[]) {
  const child = spawn(process.execPath, ['apps/worker/src/commands/handler.ts', ...args], {
    env: { PATH: process.env['PATH'], ...compileCache(), ...system.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
