import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runConsole, testPassword, type RunningConsole } from '@penstock/console/testing/run-console';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';

let database: TestDatabase;
let running: RunningConsole;
let nowMs = Date.parse('2026-01-01T00:00:00Z');
const pass = (ms: number): void => void (nowMs += ms);
const minutes = 60_000;

const environment = () => ({
  DATABASE_URL: database.url,
  REDIS_URL: inject('redisUrl'),
  QUEUE_NAME: `console-${randomUUID().slice(0, 8)}`,
});
const start = (more: Record<string, string> = {}): Promise<RunningConsole> =>
  runConsole({ environment: { ...environment(), ...more }, now: () => new Date(nowMs) });

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  running = await start();
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const guarded = [
  ['GET', '/'],
  ['GET', '/payments/pi_1'],
  ['GET', '/queues'],
  ['GET', '/queues/'],
  ['GET', '/queues/api/queues'],
  ['GET', '/queues/api/redis/stats'],
  ['GET', '/queues/static/favicon.ico'],
  ['GET', '/queues/queue/webhooks'],
  ['PUT', '/queues/api/queues/pause'],
  ['POST', '/login/x'],
  ['GET', '/login/'],
  ['GET', '//login'],
  ['GET', '/logout'],
  ['GET', '/anything-else'],
  ['HEAD', '/'],
  ['OPTIONS', '/queues/api/queues'],
] as const;

test.each(guarded)('without a session %s %s tells scripts to log in', async (method, path) => {
  const answer = await running.ask(path, { method });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  if (method === 'HEAD') return;
  expect(await answer.json()).toEqual({
    type: 'urn:penstock:problem:login_required',
    status: 401,
    code: 'login_required',
    title: 'Log in first',
    detail: expect.any(String),
    requestId: answer.headers.get('x-request-id'),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

test('without a session people are sent to the login, and back', async () => {
  const answer = await running.ask('/queues/?page=2', { headers: { accept: 'text/html,*/*' } });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login?next=%2Fqueues%2F%3Fpage%3D2']);
  const page = await running.ask(answer.headers.get('location') ?? '');
  expect(await page.text()).toContain('name="next" value="/queues/?page=2"');
  const back = await running.sendPassword(testPassword, { next: '/queues/?page=2' });
  expect([back.status, back.headers.get('location')]).toEqual([303, '/queues/?page=2']);
});

test.each(['', 'penstock_session=', 'penstock_session=x', `penstock_session=${'A'.repeat(43)}`])(
  'the cookie %j opens nothing',
  async (cookie) => {
    expect((await running.ask('/', { cookie })).status).toBe(401);
  },
);

test('a session reaches every page, and what does not exist is a 404', async () => {
  const cookie = await running.logIn();
  const front = await running.ask('/', { cookie });
  expect([front.status, await front.text()]).toEqual([
    200,
    expect.stringMatching(/waiting<\/th><td class="n">0[^]*total<\/th><td class="n">0/),
  ]);
  const unknown = await running.ask('/anything-else', { cookie, headers: { 'x-request-id': 'mine-1' } });
  expect([unknown.status, unknown.headers.get('x-request-id'), await unknown.json()]).toEqual([
    404,
    'mine-1',
    expect.objectContaining({ code: 'page_unknown', requestId: 'mine-1' }),
  ]);
});

test('every page leads to every other, and says which it is', async () => {
  const cookie = await running.logIn();
  const all = ['/', '/queues', '/dead', '/replays', '/conflicts', '/keys', '/sla', '/api'];
  for (const path of all) {
    const answer = await running.ask(path, { cookie, headers: { accept: 'text/html' } });
    expect([path, answer.status]).toEqual([path, 200]);
    // The board has a design of its own.
    if (path === '/queues') continue;
    const [, nav = ''] = /<nav[^>]*>(?<links>[^]*?)<\/nav>/.exec(await answer.text()) ?? [];
    expect([...nav.matchAll(/href="(?<to>[^"]+)"/g)].map(({ groups }) => groups?.['to'])).toEqual(all);
    expect([...nav.matchAll(/href="(?<to>[^"]+)" aria-current/g)].map(({ groups }) => groups?.['to'])).toEqual([path]);
  }
});

test('the cookie is out of reach of scripts and of other sites, and lasts as long as the session', async () => {
  const [plain = '', device] = (await running.sendPassword(testPassword)).headers.getSetCookie();
  expect(plain).toMatch(/^penstock_session=[A-Za-z0-9_-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(device).toMatch(
    /^penstock_device=[A-Za-z0-9_-]{43}; Max-Age=7776000; Path=\/login; HttpOnly; SameSite=Strict$/,
  );
  const [overHttps] = (
    await running.sendPassword(testPassword, { headers: { 'x-forwarded-proto': 'https' } })
  ).headers.getSetCookie();
  expect(overHttps).toMatch(/; Secure(;|$)/);
  await using inProduction = await start({ NODE_ENV: 'production' });
  expect((await inProduction.sendPassword(testPassword)).headers.getSetCookie()).toEqual([
    expect.stringMatching(/; Secure(;|$)/),
    expect.stringMatching(/; Secure(;|$)/),
  ]);
});

test('a session ends at logout, and another of the same operator does not', async () => {
  const [mine, another] = [await running.logIn(), await running.logIn()];
  const answer = await running.ask('/logout', { method: 'POST', cookie: mine });
  expect([answer.status, answer.headers.get('location'), answer.headers.getSetCookie()]).toEqual([
    303,
    '/login',
    [expect.stringMatching(/^penstock_session=; Max-Age=0;/)],
  ]);
  expect([
    (await running.ask('/', { cookie: mine })).status,
    (await running.ask('/', { cookie: another })).status,
  ]).toEqual([401, 200]);
});

test('a session ends after its hours', async () => {
  await using brief = await start({ SESSION_HOURS: '1' });
  const cookie = await brief.logIn();
  pass(60 * minutes - 1);
  expect((await brief.ask('/', { cookie })).status).toBe(200);
  pass(1);
  expect((await brief.ask('/', { cookie })).status).toBe(401);
});

test('the sixth wrong password is not looked at, nor is the right one, until the wait is over', async () => {
  await using fresh = await start();
  for (const attempt of [1, 2, 3, 4, 5]) {
    const wrong = await fresh.sendPassword(`wrong password ${attempt}`);
    expect([wrong.status, wrong.headers.getSetCookie(), await wrong.json()]).toEqual([
      401,
      [],
      expect.objectContaining({ code: 'password_wrong' }),
    ]);
  }
  for (const password of ['wrong password 6', testPassword]) {
    const limited = await fresh.sendPassword(password);
    expect([
      limited.status,
      limited.headers.get('retry-after'),
      limited.headers.getSetCookie(),
      await limited.json(),
    ]).toEqual([429, '900', [], expect.objectContaining({ code: 'login_limited' })]);
  }
  const page = await fresh.sendPassword(testPassword, { headers: { accept: 'text/html' } });
  expect([page.status, page.headers.get('retry-after'), await page.text()]).toEqual([
    429,
    '900',
    expect.stringContaining('Too many wrong passwords'),
  ]);
  // A made-up address is no other address.
  expect(
    (
      await fresh.sendPassword(testPassword, {
        headers: { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' },
      })
    ).status,
  ).toBe(429);
  pass(15 * minutes);
  expect((await fresh.sendPassword(testPassword)).status).toBe(303);
});

test('a browser that has logged in before has five tries of its own, whatever strangers do', async () => {
  await using fresh = await start();
  const [, device = ''] = (await fresh.sendPassword(testPassword)).headers.getSetCookie();
  const cookie = device.split(';')[0] ?? '';
  for (let guess = 0; guess < 5; guess += 1) await fresh.sendPassword(`wrong password ${guess}`);
  expect((await fresh.sendPassword(testPassword)).status).toBe(429);
  expect((await fresh.sendPassword(testPassword, { headers: { cookie: `${cookie}x` } })).status).toBe(429);
  for (let typo = 0; typo < 5; typo += 1)
    expect((await fresh.sendPassword('a typo', { headers: { cookie } })).status).toBe(401);
  expect((await fresh.sendPassword(testPassword, { headers: { cookie } })).status).toBe(429);
  pass(15 * minutes);
  expect((await fresh.sendPassword(testPassword, { headers: { cookie } })).status).toBe(303);
});

test('behind a proxy that is trusted each client has tries of its own, and none by a name it makes up', async () => {
  await using fresh = await start({ TRUSTED_PROXIES: '127.0.0.1' });
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
  for (let guess = 0; guess < 5; guess += 1) await fresh.sendPassword(`wrong password ${guess}`, from('192.0.2.1'));
  // What the client wrote stands left of what the proxy has added.
  expect((await fresh.sendPassword(testPassword, from('198.51.100.9, 192.0.2.1'))).status).toBe(429);
  expect((await fresh.sendPassword(testPassword, from('192.0.2.2'))).status).toBe(303);
});

test('of many guesses at once no more than five are looked at', async () => {
  await using fresh = await start();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, guess) => fresh.sendPassword(`guess number ${guess}`)),
  );
  expect(answers.filter((answer) => answer.status === 401)).toHaveLength(5);
});
