import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { client, runConsole, testPassword } from '@penstock/console/testing/run-console';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { startProcess, type TestProcess } from './harness/process.ts';
import { until } from './harness/until.ts';

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase(inject('postgresUrl'))));
afterAll(() => database[Symbol.asyncDispose]());

const settings = () => ({
  DATABASE_URL: database.url,
  REDIS_URL: inject('redisUrl'),
  QUEUE_NAME: `console-${randomUUID().slice(0, 8)}`,
  CONSOLE_PASSWORD: testPassword,
  PORT: '0',
  HEALTH_PORT: '0',
  LOG_LEVEL: 'debug',
});
const start = (env: Readonly<Record<string, string>>): Promise<TestProcess> =>
  startProcess({ name: 'console', script: 'apps/console/src/main.ts', env });

test('missing settings are one error that lists them all, with exit code 78', async () => {
  await using child = await start({ REDIS_URL: inject('redisUrl') });
  expect(await child.exited).toEqual({ code: 78, signal: null });
  expect(child.output()).toMatch(
    /has 2 problems:\n {2}- DATABASE_URL is missing .*\n {2}- CONSOLE_PASSWORD is missing .*$/,
  );
});

test('settings that cannot work are named without what was given', async () => {
  await using child = await start({
    ...settings(),
    CONSOLE_PASSWORD: 'hunter2hunt',
    DATABASE_URL: 'mysql://root:topsecret@db',
  });
  expect(await child.exited).toEqual({ code: 78, signal: null });
  expect(child.output()).toContain('CONSOLE_PASSWORD must be 12 to 1024 characters');
  expect(child.output()).toContain('DATABASE_URL must be a postgres:// URL');
  expect(child.output()).not.toMatch(/hunter2|topsecret/);
});

test('without the schema it does not start', async () => {
  await using empty = await createEmptyDatabase(inject('postgresUrl'));
  await using child = await start({ ...settings(), DATABASE_URL: empty.url });
  expect(await child.exited).toEqual({ code: 78, signal: null });
  expect(child.output()).toContain('run "pnpm migrate" first');
});

test('it serves two ports, logs in, counts, tells no secret, and stops clean', async () => {
  await using child = await start(settings());
  const [, url = '', healthUrl = ''] = await child.waitForLine(
    /"url":"(http:\/\/[^"]+)","healthUrl":"(http:\/\/[^"]+)".*"listening"/,
  );
  const { origin } = new URL(url);
  const operator = client(origin);
  expect((await operator.sendPassword('a wrong password')).status).toBe(401);
  const cookie = await operator.logIn();
  expect((await operator.ask('/?token=in-the-query', { cookie })).status).toBe(200);

  expect((await fetch(`${healthUrl}/health`)).status).toBe(200);
  const ready = await fetch(`${healthUrl}/ready`);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    expect.objectContaining({
      checks: ['redis', 'database', 'migrations'].map((name) => expect.objectContaining({ name, ok: true })),
    }),
  ]);
  const metrics = await (await fetch(`${healthUrl}/metrics`)).text();
  expect(metrics).toContain(
    'penstock_console_logins_total{outcome="granted",process="console",environment="development"} 1',
  );
  expect(metrics).toContain(
    'penstock_console_logins_total{outcome="refused",process="console",environment="development"} 1',
  );
  expect(metrics).toContain('penstock_queue_jobs{state="failed",process="console",environment="development"} 0');
  for (const path of ['/health', '/ready', '/metrics']) expect((await operator.ask(path, { cookie })).status).toBe(404);

  expect(await child.stop()).toEqual({ code: 0, signal: null });
  expect(child.output()).toMatch(/"path":"\/","address":"127\.0\.0\.1".*"status":200/);
  for (const secret of [testPassword, 'a wrong password', cookie.split('=')[1] ?? '', 'in-the-query'])
    expect(child.output()).not.toContain(secret);
});

test('while the queue is away the console says so and goes on', async () => {
  await using running = await runConsole({
    environment: { DATABASE_URL: database.url, REDIS_URL: 'redis://127.0.0.1:1' },
  });
  const cookie = await running.logIn();
  expect(await (await running.ask('/', { cookie })).text()).toContain('The queue does not answer.');
  expect((await running.ask('/payments/pi_1', { cookie })).status).toBe(404);
  expect((await running.ask('/queues', { cookie })).status).toBe(200);
  const board = await running.ask('/queues/api/queues', { cookie });
  expect([board.status, await board.json()]).toEqual([503, expect.objectContaining({ code: 'queue_unavailable' })]);
  expect((await fetch(`${running.healthOrigin}/ready`)).status).toBe(503);
  expect((await fetch(`${running.healthOrigin}/metrics`)).status).toBe(200);
});

test('while the database is away a payment is a 503, and told again when it is back', async () => {
  const { hostname, port } = new URL(database.url);
  const connections = new Set<Socket>();
  const way = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    for (const end of [socket, onward]) connections.add(end.on('error', () => undefined));
    socket.pipe(onward).pipe(socket);
  });
  const open = (at: number): Promise<unknown> => once(way.listen(at, '127.0.0.1'), 'listening');
  await open(0);
  const address = way.address();
  const wayPort = typeof address === 'object' && address !== null ? address.port : 0;
  const url = new URL(database.url);
  url.host = `127.0.0.1:${wayPort}`;
  try {
    await using running = await runConsole({ environment: { DATABASE_URL: url.href, REDIS_URL: inject('redisUrl') } });
    const cookie = await running.logIn();
    const askForPayment = () => running.ask('/payments/pi_1', { cookie });
    expect((await askForPayment()).status).toBe(404);
    way.close();
    for (const end of connections) end.destroy();
    const away = await until(
      async () => {
        const answer = await askForPayment();
        return answer.status !== 404 && answer;
      },
      { what: 'the outage to show' },
    );
    expect([away.status, away.headers.get('retry-after'), await away.json()]).toEqual([
      503,
      '5',
      expect.objectContaining({ code: 'database_unavailable' }),
    ]);
    await open(wayPort);
    await until(async () => (await askForPayment()).status === 404, { what: 'the database to answer again' });
  } finally {
    way.close();
    for (const end of connections) end.destroy();
  }
});
