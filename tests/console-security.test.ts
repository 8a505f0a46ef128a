import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { hostname, userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  runConsole,
  testOperatorPassword,
  testPassword,
  type RunningConsole,
} from '@penstock/console/testing/run-console';
import { runScript } from './harness/commands.ts';
import { storeEvents } from './harness/stored-events.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
let running: RunningConsole;
let nowMs = Date.parse('2026-01-01T00:00:00Z');
const minutes = 60_000;
const asPage = { accept: 'text/html' };
const start = (more: Record<string, string> = {}): Promise<RunningConsole> =>
  runConsole({ environment: { ...system.environment, ...more }, now: () => new Date(nowMs) });

beforeAll(async () => {
  system = await createTestSystem();
  running = await start();
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
});

test('every answer, refusals included, tells browsers to do nothing that it does not need', async () => {
  const cookie = await running.logIn(testOperatorPassword);
  const pages = ['/login', '/console.css', '/', '/dead', '/replays', '/conflicts', '/keys', '/sla', '/api', '/nothing'];
  const answers = [
    ...pages.map((path) => running.ask(path, { cookie, headers: asPage })),
    running.ask('/', {}),
    running.ask('/api/payments', {}),
    running.ask('/replays', { method: 'POST', cookie, body: 'x' }),
    running.ask('/login', { method: 'POST', headers: { origin: 'https://evil.example' }, body: new URLSearchParams() }),
  ];
  for (const answer of await Promise.all(answers)) {
    const of = `${answer.url} ${answer.status}`;
    const header = (name: string): string => answer.headers.get(name) ?? '';
    expect(header('content-security-policy').split('; ').toSorted(), of).toEqual([
      "base-uri 'none'",
      "default-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "style-src 'self'",
    ]);
    expect([of, header('x-frame-options'), header('x-content-type-options'), header('referrer-policy')]).toEqual([
      of,
      'DENY',
      'nosniff',
      'same-origin',
    ]);
    expect([header('cross-origin-opener-policy'), header('cross-origin-resource-policy')]).toEqual([
      'same-origin',
      'same-origin',
    ]);
    expect(header('permissions-policy')).toContain('camera=()');
    expect(header('cache-control')).toBe('no-store');
    expect(header('x-powered-by') + header('access-control-allow-origin')).toBe('');
  }
});

test('no page has a script, or a style or a handler of its own, that its policy would refuse', async () => {
  const cookie = await running.logIn(testOperatorPassword);
  for (const path of ['/login', '/', '/dead', '/replays', '/conflicts', '/keys', '/sla', '/api']) {
    const page = await (await running.ask(path, { cookie, headers: asPage })).text();
    expect([path, /<script|<style|\sstyle="|\son[a-z]+="|javascript:/i.exec(page)?.[0]]).toEqual([path, undefined]);
  }
});

test("Bull Board runs its own files' scripts alone, and nothing of another origin", async () => {
  const cookie = await running.logIn(testOperatorPassword);
  const answer = await running.ask('/queues', { cookie, headers: asPage });
  const directives = new Map(
    (answer.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
      const [name = '', ...sources] = directive.split(' ');
      return [name, sources.join(' ')];
    }),
  );
  expect([directives.get('default-src'), directives.get('script-src'), directives.get('frame-ancestors')]).toEqual([
    "'none'",
    "'self'",
    "'none'",
  ]);
  // The one thing that its components need: styles that they write into the page.
  expect([...directives].filter(([, sources]) => sources.includes('unsafe')).map(([name]) => name)).toEqual([
    'style-src',
  ]);
  expect([...directives.values()].join(' ')).not.toMatch(/https?:|\*/);
  expect(await answer.text()).not.toMatch(/<script(?![^>]*\ssrc=)(?![^>]*type="application\/json")[^>]*>/);
});

test('behind TLS browsers are told to keep to it, and over http nothing is said of it', async () => {
  const told = async (headers: Record<string, string>) =>
    (await running.ask('/login', { headers })).headers.get('strict-transport-security');
  expect(await told({ 'x-forwarded-proto': 'https' })).toBe('max-age=31536000');
  expect(await told({})).toBeNull();
});

test('a session that nobody uses ends after its idle minutes, and one in use after its hours', async () => {
  await using brief = await start({ SESSION_IDLE_MINUTES: '10', SESSION_HOURS: '1' });
  const [idle, used] = [await brief.logIn(), await brief.logIn()];
  const standing = async (cookie: string): Promise<number> => (await brief.ask('/', { cookie })).status;
  for (let passed = 0; passed < 54; passed += 9) {
    nowMs += 9 * minutes;
    expect(await standing(used)).toBe(200);
  }
  expect(await standing(idle)).toBe(401);
  nowMs += 6 * minutes;
  expect(await standing(used)).toBe(401);
});

test('a login makes a token of its own, and a reader who becomes an operator leaves the old one behind', async () => {
  const chosen = `penstock_session=${'A'.repeat(43)}`;
  const given = await running.sendPassword(testPassword, { headers: { cookie: chosen } });
  const [reader = ''] = given.headers.getSetCookie()[0]?.split(';') ?? [];
  expect(reader).not.toBe(chosen);
  expect((await running.ask('/', { cookie: chosen })).status).toBe(401);

  const raised = await running.sendPassword(testOperatorPassword, { headers: { cookie: reader } });
  const [operator = ''] = raised.headers.getSetCookie()[0]?.split(';') ?? [];
  expect(operator).not.toBe(reader);
  const standings = [reader, operator].map(async (cookie) => (await running.ask('/', { cookie })).status);
  expect(await Promise.all(standings)).toEqual([401, 200]);
});

test('five guesses an address, and twenty of strangers in all before each has to wait for longer: a guesser with a network gets no further', async () => {
  await using fresh = await start();
  const cookies = (await fresh.sendPassword(testOperatorPassword)).headers.getSetCookie();
  const device = cookies.find((cookie) => cookie.startsWith('penstock_device='))?.split(';')[0] ?? '';
  expect(await guesses(fresh, { from: '127.0.0.2', count: 6 })).toEqual([401, 401, 401, 401, 401, 429]);
  // Another address has its own share.
  expect(await guesses(fresh, { from: '127.0.0.3', count: 1 })).toEqual([401]);
  for (const from of ['127.0.1.1', '127.0.1.2']) await guesses(fresh, { from, count: 5 });
  // Each is a guess at either password, which are the accounts there are.
  expect(await guesses(fresh, { from: '127.0.1.3', count: 5 })).toEqual([401, 401, 401, 401, 429]);
  expect((await fresh.sendPassword(testOperatorPassword)).status).toBe(429);
  for (const seconds of [1, 2, 4, 8]) {
    expect(await guesses(fresh, { from: `127.0.2.${seconds}`, count: 1 })).toEqual([429]);
    nowMs += seconds * 1_000;
    expect(await guesses(fresh, { from: `127.0.2.${seconds}`, count: 1 })).toEqual([401]);
  }
  const known = await fresh.sendPassword(testOperatorPassword, { headers: { cookie: device } });
  expect([known.status, known.headers.getSetCookie()]).toEqual([303, [expect.stringMatching(/^penstock_session=/)]]);
  nowMs += 15 * minutes;
  expect((await fresh.sendPassword(testOperatorPassword)).status).toBe(303);
});

test('what operators do stands in the audit: who, what, under which request, and from where', async () => {
  await storeEvents(system.db, { count: 2, prefix: 'evt_audit', type: 'audit.failed' });
  const cookie = await running.logIn(testOperatorPassword);
  const page = await (await running.ask('/replays', { cookie, headers: asPage })).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const answer = await running.ask('/dead/evt_audit1/discard', {
    method: 'POST',
    cookie,
    headers: { 'x-request-id': 'audit-1' },
    body: new URLSearchParams({ csrf, reason: 'theirs' }),
  });
  expect(answer.status).toBe(303);
  const key = await run('apps/console/src/commands/api-key.ts', 'create', '--name', 'n', '--scopes', 'events:read');
  await run('apps/console/src/commands/api-key.ts', 'revoke', key.stdout.trim(), '--by', 'grace');
  await run(
    'apps/worker/src/commands/dead.ts',
    'discard',
    '--event',
    'evt_audit2',
    '--reason',
    'ours',
    '--by',
    'grace',
  );
  await run('apps/worker/src/commands/rebuild.ts');

  const rows = await system.db.selectFrom('operator_actions').selectAll().orderBy('id').execute();
  const { username } = userInfo();
  const here = `command of ${username} on ${hostname()}`;
  const keyTarget = `key:${/^psk_([0-9a-f]{12})_/.exec(key.stdout)?.[1]}`;
  expect(rows.map(({ operator, action, target, source }) => [operator, action, target, source])).toEqual([
    ['ada', 'event.discard', 'event:acme/evt_audit1', '127.0.0.1'],
    [username, 'key.create', keyTarget, here],
    ['grace', 'key.revoke', keyTarget, here],
    ['grace', 'event.discard', 'event:acme/evt_audit2', here],
    [username, 'projections.rebuild', 'projections', here],
  ]);
  expect(rows[0]).toMatchObject({ request_id: 'audit-1', reason: 'theirs', at: expect.any(Date) });
  expect(JSON.stringify(rows)).not.toContain(key.stdout.trim().slice(-20));
});

async function run(script: string, ...args: readonly string[]) {
  const ended = await runScript(script, args, system.environment);
  if (ended.code !== 0) throw new Error(ended.stderr);
  return ended;
}

/** Wrong passwords, one after the other, from an address of this machine's own network. */
async function guesses(
  at: RunningConsole,
  { from, count }: { readonly from: string; readonly count: number },
): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let guess = 0; guess < count; guess += 1)
    statuses.push(
      await new Promise<number>((answered, failed) => {
        const sent = request(`${at.origin}/login`, {
          method: 'POST',
          localAddress: from,
          headers: { 'content-type': 'application/x-www-form-urlencoded', origin: at.origin },
        });
        sent.on('response', (response) => answered(response.resume().statusCode ?? 0)).on('error', failed);
        sent.end(`name=x&password=wrong-${randomUUID()}`);
      }),
    );
  return statuses;
}
