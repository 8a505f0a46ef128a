import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { version } from '@penstock/runtime/version';
import { runScript } from './harness/commands.ts';
import { startProcess } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';

/** What refuses to start, with which exit code, and what it says. */
let system: TestSystem;
beforeAll(async () => {
  system = await createTestSystem('redis', { PENSTOCK_CONFIG: 'tests/harness/stripe.test.config.ts' });
});
afterAll(() => system[Symbol.asyncDispose]());

/** Starts ingest expecting it to end by itself; what is given replaces, or as undefined removes. */
async function refused(given: Readonly<Record<string, string | undefined>>) {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...system.environment, ...given }))
    if (value !== undefined) env[name] = value;
  const started = await startProcess({ name: 'ingest', script: 'apps/ingest/src/main.ts', env });
  const { code } = await started.exited;
  return { code, output: started.output() };
}

describe('wrong settings', () => {
  test('of every kind are listed in one error with exit code 78', async () => {
    const { code, output } = await refused({
      STRIPE_WEBHOOK_SECRET: undefined,
      PORT: '80a',
      LOG_LEVEL: 'loud',
      REDIS_URL: undefined,
    });
    expect({ code, output }).toEqual({
      code: 78,
      output: [
        'The configuration has 4 problems:',
        '  - LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent (least severe level logged)',
        '  - PORT must be a whole number from 0 to 65535 (public port, for webhooks)',
        '  - endpoint stripe: STRIPE_WEBHOOK_SECRET is missing',
        '  - REDIS_URL is missing (Redis that holds the queue), and so is QUEUE_DATABASE_URL, which may stand in for it',
      ].join('\n'),
    });
  });

  test('that are secrets are not repeated', async () => {
    const { code, output } = await refused({
      STRIPE_WEBHOOK_SECRET: 'hunt2',
      REDIS_URL: 'hunter2',
      TRUSTED_ROOTS_FILE: '/absent',
    });
    expect(code).toBe(78);
    expect(output).toMatch(
      /REDIS_URL must be[\s\S]*TRUSTED_ROOTS_FILE: \/absent cannot be read[\s\S]*secrets\.0: must be 6 to 512 printable/,
    );
    expect(output).not.toMatch(/hunter2|hunt2/);
  });

  test('are a configuration file that is not there, an unknown provider, and a port that is taken', async () => {
    expect(await refused({ PENSTOCK_CONFIG: 'absent.config.ts' })).toEqual({
      code: 78,
      output: expect.stringContaining('there is no '),
    });
    await using ingest = await system.startIngest();
    expect(await refused({ PORT: new URL(ingest.url).port })).toEqual({
      code: 78,
      output: expect.stringContaining('is taken by another process'),
    });
  });
});

test('a fault that is no setting ends with 1 and tells its cause', async () => {
  const { code, output } = await refused({ PENSTOCK_CONFIG: 'package.json' });
  expect(code).toBe(1);
  expect(output).toMatch(/package\.json could not be loaded[\s\S]*caused by: .*ERR_IMPORT_ATTRIBUTE_MISSING/);
});

// Where Redis comes in a container there is no server of ours to misconfigure.
describe.runIf(findRedisServer() !== null)('on a Redis that forgets', () => {
  test('production refuses to start and says how to mend it; development warns', async () => {
    await using forgetful = await startRedisServer({ dir: join(testRunDir(), 'start-up-redis'), durable: false });
    const { code, output } = await refused({ NODE_ENV: 'production', REDIS_URL: forgetful.url });
    expect(code).toBe(78);
    expect(output).toContain(
      'appendonly is no, must be yes (CONFIG SET appendonly yes); appendfsync is everysec, must be always (CONFIG SET appendfsync always)',
    );

    await using ingest = await system.startIngest({ REDIS_URL: forgetful.url });
    await ingest.waitForLine(/acknowledged events may be lost/);
    expect((await fetch(`${ingest.healthUrl}/ready`)).status).toBe(503);
  });

  test('production starts on one that does not', async () => {
    await using durable = await startRedisServer({ dir: join(testRunDir(), 'start-up-durable-redis') });
    await using ingest = await system.startIngest({ NODE_ENV: 'production', REDIS_URL: durable.url });
    expect((await postStripe(ingest, aStripeEvent().body)).status).toBe(200);
    expect((await fetch(`${ingest.healthUrl}/ready`)).status).toBe(200);
  });
});

describe('asked on the command line', () => {
  test.each(['ingest', 'worker', 'console'])('%s explains its settings, and needs none for it', async (name) => {
    const { code, stdout, stderr } = await runScript(`apps/${name}/src/main.ts`, ['--help'], {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Penstock's ${name}, ${version}`);
    expect(stdout).toMatch(/^ {2}REDIS_URL {2,}\S/m);
    expect(stdout).toMatch(/^ {2}HEALTH_PORT {2,}\S/m);
  });

  test('a process tells its version', async () => {
    const told = await runScript('apps/ingest/src/main.ts', ['--version'], {});
    expect(told).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('an argument that no process takes is refused with exit code 64, and nothing is started', async () => {
    const { code, stdout, stderr } = await runScript('apps/ingest/src/main.ts', ['--port', '80'], system.environment);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/"--port 80".*\nSee --help\./);
  });
});
