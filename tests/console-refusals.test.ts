import { afterAll, beforeAll, expect, test } from 'vitest';
import { runConsole, testPassword, type RunningConsole } from '@penstock/console/testing/run-console';
import { expectProblem } from './harness/problems.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
let running: RunningConsole;
let cookie: string;

beforeAll(async () => {
  system = await createTestSystem();
  running = await runConsole({ environment: system.environment });
  cookie = await running.logIn(testPassword);
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
});

const refused = [
  { path: '/nothing', method: 'GET', status: 404, code: 'page_unknown' },
  { path: '/conflicts?state=lost', method: 'GET', status: 400, code: 'parameter_invalid' },
  { path: '/dead?before=yesterday', method: 'GET', status: 400, code: 'parameter_invalid' },
  { path: '/dead/evt_none', method: 'GET', status: 404, code: 'event_unknown' },
  { path: '/replays/7', method: 'GET', status: 404, code: 'replay_unknown' },
  { path: '/replays', method: 'POST', status: 403, code: 'operator_required' },
];

test.each(refused)(
  'in a browser $method $path is refused by a page that names $code and leads on, elsewhere by a problem document',
  async ({ path, method, status, code }) => {
    const asked = { method, cookie, ...(method === 'GET' ? {} : { body: new URLSearchParams() }) };
    const answer = await running.ask(path, { ...asked, headers: { accept: 'text/html,*/*' } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/html; charset=UTF-8']);
    const page = await answer.text();
    expect(page).toContain(`<code>${code}</code>`);
    expect(page).toContain(`Request <code>${answer.headers.get('x-request-id') ?? 'none'}</code>`);
    expect(page).toContain('<nav aria-label="Pages">');

    const document = await running.ask(path, { ...asked, headers: { accept: '*/*' } });
    expect(await document.json()).toMatchObject({ status, code });
    expect(document.headers.get('content-type')).toBe('application/problem+json');
  },
);

test('whoever is not logged in is refused by a page without ways that lead to the login alone', async () => {
  const answer = await running.ask('/login', {
    method: 'POST',
    headers: { accept: 'text/html', origin: 'https://evil.example' },
    body: new URLSearchParams(),
  });
  const page = await answer.text();
  expect([answer.status, page]).toEqual([403, expect.stringContaining('<code>origin_foreign</code>')]);
  expect(page).not.toContain('<nav');
});

test('the API refuses by problem documents, whoever asks', async () => {
  const answer = await running.ask('/api/payments?cursor=x', { cookie, headers: { accept: 'text/html' } });
  expectProblem(
    { status: answer.status, headers: answer.headers, body: await answer.text() },
    { status: 400, code: 'cursor_invalid', detail: /./ },
  );
});
