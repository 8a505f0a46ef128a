import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { revokeApiKey } from '@penstock/db/api-keys';
import * as z from 'zod';
import { compileCache } from './harness/process.ts';
import { expectProblem } from './harness/problems.ts';
import { startReadApi, type TestReadApi } from './harness/read-api.ts';

let api: TestReadApi;
beforeAll(async () => {
  api = await startReadApi({
    postgresUrl: inject('postgresUrl'),
    redisUrl: inject('redisUrl'),
    name: 'api-keys',
    rows: 10,
  });
});
afterAll(() => api[Symbol.asyncDispose]());

test('without a key or a session the answer is 401, and a browser is sent to the login', async () => {
  const answer = await api.running.ask('/api/payments');
  expectProblem({ ...(await told(answer)) }, { status: 401, code: 'key_required', detail: /api-key create/ });
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="penstock"');
  const browser = await api.running.ask('/api/events?state=dead', { headers: { accept: 'text/html' } });
  expect([browser.status, browser.headers.get('location')]).toEqual([
    303,
    '/login?next=%2Fapi%2Fevents%3Fstate%3Ddead',
  ]);
  expect((await api.running.ask('/api/payments', { cookie: await api.running.logIn() })).status).toBe(200);
});

test('a key reads what its scopes say and no more', async () => {
  const { token: narrow } = await api.makeKey(['events:read']);
  expect((await api.ask('/api/events/5', narrow)).status).toBe(200);
  const answer = await api.ask('/api/events/5/payload', narrow);
  expectProblem(await told(answer), { status: 403, code: 'scope_missing', detail: /./ });
  expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="payloads:read"');
  await api.refused('/api/payments/pay_7', { status: 403, code: 'scope_missing' }, narrow);
});

test('what is kept of a key is its SHA-256 alone', async () => {
  const { id, token: made } = await api.makeKey(['events:read']);
  const [row] = await api.database.db.selectFrom('api_keys').selectAll().where('id', '=', id).execute();
  expect(row?.secret_sha256).toHaveLength(32);
  expect(JSON.stringify(row)).not.toContain(made.split('_').slice(2).join('_'));
});

test('a key that is revoked is refused from then on, and one that has expired too', async () => {
  api.moveClock(new Date('2026-06-01T00:00:00Z'));
  const { id, token: revoked } = await api.makeKey(['events:read']);
  expect((await api.ask('/api/events', revoked)).status).toBe(200);
  await revokeApiKey(api.database.db, { id, at: new Date('2026-06-01T00:00:00Z') });
  await api.refused('/api/events', { status: 401, code: 'key_revoked' }, revoked);
  const { token: brief } = await api.makeKey(['events:read'], { expiresAt: new Date('2026-06-01T01:00:00Z') });
  api.moveClock(new Date('2026-06-01T00:59:59Z'));
  expect((await api.ask('/api/events', brief)).status).toBe(200);
  api.moveClock(new Date('2026-06-01T01:00:00Z'));
  await api.refused('/api/events', { status: 401, code: 'key_expired' }, brief);
});

test('that a key was used is written at most once a minute', async () => {
  const { id, token: used } = await api.makeKey(['events:read']);
  const lastUsed = async (): Promise<string | undefined> => {
    const row = await api.database.db
      .selectFrom('api_keys')
      .select('last_used_at')
      .where('id', '=', id)
      .executeTakeFirst();
    return row?.last_used_at?.toISOString();
  };
  const begin = new Date('2026-06-02T00:00:00Z');
  for (const [seconds, written] of [
    [0, 0],
    [59, 0],
    [61, 61],
  ] as const) {
    api.moveClock(new Date(begin.getTime() + seconds * 1_000));
    await api.ask('/api/events', used);
    expect(await lastUsed()).toBe(new Date(begin.getTime() + written * 1_000).toISOString());
  }
});

test('a wrong secret under a known key, and what is no key, are refused alike, and too many of them with 429', async () => {
  api.moveClock(new Date('2026-07-01T00:00:00Z'));
  const { token: right } = await api.makeKey(['events:read']);
  expect((await api.ask('/api/events', right)).status).toBe(200);
  const wrong = `${right.slice(0, -2)}${right.endsWith('AA') ? 'BB' : 'AA'}`;
  for (let sent = 0; sent < 20; sent += 1) {
    const answer = await api.ask('/api/events', sent % 2 === 0 ? wrong : 'nonsense');
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expectProblem(await told(answer), { status: 401, code: 'key_unknown', detail: /./ });
  }
  const { token: fresh } = await api.makeKey(['events:read']);
  const limited = await api.ask('/api/events', fresh);
  expectProblem(await told(limited), { status: 429, code: 'key_limited', detail: /./ });
  expect(limited.headers.get('retry-after')).toBe('900');
  // A client that was right before is not locked out by its neighbour.
  expect((await api.ask('/api/events', right)).status).toBe(200);
  api.moveClock(new Date('2026-07-01T00:15:01Z'));
  expect((await api.ask('/api/events', fresh)).status).toBe(200);
});

test('the command makes a key that is shown once, lists it without its secret and revokes it', async () => {
  const now = new Date();
  api.moveClock(now);
  const created = command(['create', '--name', 'reports', '--scopes', 'events:read', '--expires', '90d']);
  const made = created.stdout.trim();
  expect([created.status, made]).toEqual([0, expect.stringMatching(/^psk_[0-9a-f]{12}_[\w-]{43}$/)]);
  expect((await api.ask('/api/events', made)).status).toBe(200);
  const listed = command(['list', '--json']);
  const keys = z.array(z.looseObject({ id: z.string(), name: z.string() })).parse(JSON.parse(listed.stdout));
  expect(keys.find(({ id }) => made.includes(id))).toMatchObject({
    name: 'reports',
    lastUsedAt: now.toISOString(),
  });
  expect(listed.stdout).not.toContain(made.split('_').slice(2).join('_'));
  expect(command(['revoke', made]).status).toBe(0);
  await api.refused('/api/events', { status: 401, code: 'key_revoked' }, made);
});

test.each([
  { args: ['create', '--name', 'x', '--scopes', 'everything'], status: 78, says: /there is no everything, only/ },
  {
    args: ['create', '--name', 'x', '--scopes', 'events:read', '--expires', 'soon'],
    status: 78,
    says: /days or hours/,
  },
  { args: ['revoke', 'ffffffffffff'], status: 1, says: /no such key/ },
  { args: [], status: 64, says: /^Usage/ },
])('the command refuses what cannot be meant: $args', ({ args, status, says }) => {
  expect(command(args)).toMatchObject({ status, stderr: expect.stringMatching(says) });
});

async function told(answer: Response) {
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

function command(args: readonly string[]) {
  return spawnSync(process.execPath, ['apps/console/src/commands/api-key.ts', ...args], {
    env: { PATH: process.env['PATH'], ...compileCache(), DATABASE_URL: api.database.url },
    encoding: 'utf8',
  });
}
