import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { runScript } from './harness/commands.ts';
import { aStripeEvent, createTestSystem, postStripe } from './harness/system.ts';
import { until } from './harness/until.ts';

const aKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const [first, second] = [aKey('first'), aKey('second')];
const command = 'apps/worker/src/commands/payload-keys.ts';

test(
  'a key that a waiting job or a dead letter still needs is not done with, and rotating the ledger does not change that',
  { timeout: 60_000 },
  async () => {
    await using other = await createTestSystem('redis', { PAYLOAD_KEYS: first, QUEUE_SHARDS: '3' });
    const check = async (payloadKeys: string) =>
      runScript(command, ['check'], { ...other.environment, PAYLOAD_KEYS: payloadKeys });
    const ingested = await other.startIngest();
    const events = Array.from({ length: 7 }, () => aStripeEvent());
    for (const { body } of events) expect((await postStripe(ingested, body)).status).toBe(200);
    const broken = Buffer.from('{"dead": true}');
    expect((await postStripe(ingested, broken)).status).toBe(400);
    const both = `${second},${first}`;
    expect(await check(both)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('first: 0 rows, 8 jobs; still needed'),
    });
    expect(await check(second)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('first: 0 rows, 8 jobs; missing from PAYLOAD_KEYS'),
    });

    await other.startWorker();
    await until(async () => (await other.ledger())['processed'] === 7, { what: 'the events to be processed' });
    await until(async () => (await other.queue.counts()).failed === 1, { what: 'the dead letter' });
    const environment = { ...other.environment, PAYLOAD_KEYS: both };
    expect((await runScript(command, ['rotate'], environment)).code).toBe(0);
    expect(await check(both)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^second: 8 rows, 0 jobs; the active key\nfirst: 0 rows, 1 jobs; still needed$/m),
    });
    const eventId = `sha256-${createHash('sha256').update(broken).digest('hex')}`;
    const discard = ['discard', '--event', eventId, '--reason', 'a test'];
    expect((await runScript('apps/worker/src/commands/dead.ts', discard, environment)).code).toBe(0);
    expect(await check(both)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('first: 0 rows, 0 jobs; may be taken away'),
    });
  },
);
