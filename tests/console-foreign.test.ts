import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runConsole, testPassword, type RunningConsole } from '@penstock/console/testing/run-console';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';

let database: TestDatabase;
let running: RunningConsole;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  running = await runConsole({
    environment: { DATABASE_URL: database.url, REDIS_URL: inject('redisUrl'), QUEUE_NAME: 'console-foreign' },
  });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const foreign = [
  { origin: 'https://example.com' },
  { origin: 'null' },
  { origin: '' },
  { origin: 'http://127.0.0.1:1' },
  { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://example.com', 'sec-fetch-site': 'same-site' },
];

test.each(foreign)("another site's form is refused: %j", async (headers) => {
  const cookie = await running.logIn();
  const login = await running.sendPassword(testPassword, { headers });
  expect([login.status, login.headers.getSetCookie(), await login.json()]).toEqual([
    403,
    [],
    expect.objectContaining({ code: 'origin_foreign' }),
  ]);
  const logout = await running.ask('/logout', { method: 'POST', cookie, headers });
  expect(logout.status).toBe(403);
  expect((await running.ask('/', { cookie })).status).toBe(200);
});

test('another site gets no leave to send what is no form, nor to read', async () => {
  const cookie = await running.logIn();
  const headers = {
    origin: 'https://example.com',
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'content-type',
  };
  for (const answer of [
    await running.ask('/queues/api/queues/pause', { method: 'OPTIONS', cookie, headers }),
    await running.ask('/queues/api/queues', { cookie, headers }),
  ]) {
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test.each(['https://example.com/', '//example.com', '/\\example.com', '/\t/example.com', '/.//example.com'])(
  'the login does not lead to %j',
  async (next) => {
    expect((await running.sendPassword(testPassword, { next })).headers.get('location')).toBe('/');
    const page = await (await running.ask(`/login?next=${encodeURIComponent(next)}`)).text();
    expect(page).toContain('name="next" value="/"');
  },
);

test('what is asked for cannot become markup', async () => {
  const page = await (await running.ask(`/login?next=${encodeURIComponent('/x?"><script>alert(1)</script>')}`)).text();
  expect(page).not.toMatch(/<script|"><|alert\(1\)<\/script>/);
});

test('our own pages may run nothing and load only their style', async () => {
  const cookie = await running.logIn();
  for (const path of ['/login', '/', '/anything-else']) {
    const { headers } = await running.ask(path, { cookie });
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'self'; form-action 'self'",
    );
    expect([
      headers.get('x-frame-options'),
      headers.get('x-content-type-options'),
      headers.get('referrer-policy'),
      headers.get('cache-control'),
    ]).toEqual(['DENY', 'nosniff', 'same-origin', 'no-store']);
  }
  const style = await running.ask('/console.css');
  expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
});

test('more than a form can hold is refused, whether or not its length is told', async () => {
  const body = `password=${'x'.repeat(20_000)}`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  expect((await running.ask('/login', { method: 'POST', headers, body })).status).toBe(413);
  const streamed = await fetch(`${running.origin}/login`, {
    method: 'POST',
    headers: { ...headers, origin: running.origin },
    body: new Blob([body]).stream(),
    duplex: 'half',
  });
  expect(streamed.status).toBe(413);
});

test.each([
  'application/json',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'application/x-www-form-urlencoded',
])('a login that is no form of ours is a wrong password: %s', async (type) => {
  await using fresh = await runConsole({
    environment: { DATABASE_URL: database.url, REDIS_URL: inject('redisUrl'), QUEUE_NAME: 'console-foreign' },
  });
  const answer = await fresh.ask('/login', {
    method: 'POST',
    headers: { 'content-type': type },
    body: '{"password":{}}',
  });
  expect([answer.status, answer.headers.getSetCookie()]).toEqual([401, []]);
});
