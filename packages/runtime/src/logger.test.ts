import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const secret = 'hunter2';

/** What the logger prints, in a process of its own: it writes past everything to standard output. */
async function logged(statements: string): Promise<Record<string, unknown>[]> {
  const source = `import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))}
    const logger = createLogger({ name: 'ingest', level: 'info', maskKey: 'a key of this test' })
    const secret = ${JSON.stringify(secret)}
    ${statements}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
    cwd: import.meta.dirname,
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('a line is JSON with process, level, message and an ISO time; less severe ones are left out', async () => {
  const lines = await logged(
    `logger.info({ requestId: 'r1' }, 'webhook received'); logger.debug('no'); logger.error({ error: new Error('broken') }, 'sorry')`,
  );
  expect(lines).toMatchObject([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
      process: 'ingest',
      pid: expect.any(Number),
      requestId: 'r1',
      msg: 'webhook received',
    },
    {
      level: 'error',
      time: expect.any(String),
      process: 'ingest',
      pid: expect.any(Number),
      error: expect.objectContaining({ type: 'Error', message: 'broken' }),
      msg: 'sorry',
    },
  ]);
});

test('signatures, secrets, credentials and payloads are redacted, at the top and one level down', async () => {
  const names = [
    'authorization',
    'cookie',
    'password',
    'secret',
    'secrets',
    'clientSecret',
    'databaseUrl',
    'redisUrl',
    'body',
    'payload',
  ];
  const headers = ['stripe-signature', 'paypal-transmission-sig', 'authorization', 'cookie'];
  const lines = await logged(`
    for (const name of ${JSON.stringify(names)}) { logger.info({ [name]: secret }); logger.info({ config: { [name]: secret } }); logger.info({ [name]: { deeper: [secret] } }) }
    for (const name of ${JSON.stringify(headers)}) { logger.info({ headers: { [name]: secret, accept: 'shown' } }); logger.info({ request: { headers: { [name]: secret } } }) }
    logger.info({ req: { headers: { 'x-any': secret } } })`);
  expect(lines).toHaveLength(names.length * 3 + headers.length * 2 + 1);
  for (const line of lines) {
    expect(JSON.stringify(line)).not.toContain(secret);
    expect(JSON.stringify(line)).toContain('[redacted]');
  }
  expect(lines.filter((line) => JSON.stringify(line).includes('shown'))).toHaveLength(headers.length);
});
