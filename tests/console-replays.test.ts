import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  runConsole,
  testOperatorPassword,
  testPassword,
  type RunningConsole,
} from '@penstock/console/testing/run-console';
import { countItems } from '@penstock/db/replay-items';
import { findReplay } from '@penstock/db/replays';
import { rememberHandlers } from '@penstock/db/known-handlers';
import { storeEvents } from './harness/stored-events.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
let running: RunningConsole;
let reader: string;
let operator: string;
let csrf: string;
const asPage = { accept: 'text/html' };
/** The header's form to log out is none. */
const changeForms = /<form method="post" action="(?!\/logout")/;

beforeAll(async () => {
  system = await createTestSystem();
  running = await runConsole({ environment: system.environment });
  reader = await running.logIn(testPassword);
  operator = await running.logIn(testOperatorPassword);
  const page = await (await running.ask('/replays', { cookie: operator, headers: asPage })).text();
  csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  await storeEvents(system.db, { count: 60, prefix: 'evt_many', type: 'many.failed' });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
});

function post(
  path: string,
  form: Record<string, string>,
  options: { cookie?: string; headers?: Record<string, string> } = {},
) {
  const { cookie = operator, headers = {} } = options;
  return running.ask(path, { method: 'POST', cookie, headers, body: new URLSearchParams(form) });
}

async function codeOf(answer: Response): Promise<unknown> {
  const { code } = JSON.parse(await answer.text());
  return [answer.status, code];
}

describe('a change', () => {
  const plan = { type: 'many.*', why: 'mended' };
  let before: number;
  beforeEach(async () => void (before = await replaysStored()));

  test('needs the operator role', async () => {
    const answer = await post('/replays', { ...plan, csrf }, { cookie: reader });
    expect(await codeOf(answer)).toEqual([403, 'operator_required']);
    expect(await replaysStored()).toBe(before);
  });

  test.each([{}, { csrf: '' }, { csrf: 'x'.repeat(43) }])("needs the session's own token, not %j", async (given) => {
    expect(await codeOf(await post('/replays', { ...plan, ...given }))).toEqual([403, 'csrf_invalid']);
    expect(await replaysStored()).toBe(before);
  });

  test.each([
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('needs to come from a page of the console, not %j', async (headers) => {
    expect(await codeOf(await post('/replays', { ...plan, csrf }, { headers }))).toEqual([403, 'origin_foreign']);
    expect(await replaysStored()).toBe(before);
  });

  test('with the token of another session is refused', async () => {
    const another = await running.logIn(testOperatorPassword);
    expect(await codeOf(await post('/replays', { ...plan, csrf }, { cookie: another }))).toEqual([403, 'csrf_invalid']);
  });
});

test('without an operator password nobody is an operator', async () => {
  await using plain = await runConsole({ environment: { ...system.environment, CONSOLE_OPERATOR_PASSWORD: '' } });
  expect((await plain.sendPassword(testOperatorPassword)).status).toBe(401);
  const cookie = await plain.logIn(testPassword);
  expect(await (await plain.ask('/replays', { cookie, headers: asPage })).text()).not.toMatch(changeForms);
});

test('an operator says who they are, and a login ends the session that this browser had', async () => {
  const nameless = await running.sendPassword(testOperatorPassword, { name: ' ' });
  expect(await codeOf(nameless)).toEqual([400, 'name_missing']);
  const former = await running.logIn(testOperatorPassword);
  const again = await running.sendPassword(testOperatorPassword, { headers: { cookie: former } });
  expect(again.headers.getSetCookie()[0]).not.toContain(former);
  expect((await running.ask('/', { cookie: former })).status).toBe(401);
});

test('a plan means the whole filter, not the page, and is applied, paused, resumed and cancelled', async () => {
  const page = await (await running.ask('/dead?type=many.*', { cookie: operator, headers: asPage })).text();
  expect(page.match(/href="\/dead\/evt_many/g)).toHaveLength(50);
  expect(page).toMatch(/href="\/dead\?type=many.*before=\d+"/);
  const planned = await post('/replays', { type: 'many.*', why: '<b>mended</b>', csrf });
  const path = planned.headers.get('location') ?? '';
  expect([planned.status, path]).toEqual([303, expect.stringMatching(/^\/replays\/\d+$/)]);
  const id = Number(path.split('/')[2]);
  expect(await findReplay(system.db, id)).toMatchObject({ events: 60, state: 'planned', plannedBy: 'ada' });
  const shown = await (await running.ask(path, { cookie: operator, headers: asPage })).text();
  expect(shown).toContain('&lt;b&gt;mended&lt;/b&gt;');
  expect(shown).not.toContain('<b>mended');

  const states: string[] = [];
  for (const command of ['apply', 'pause', 'resume', 'cancel']) {
    expect((await post(`${path}/${command}`, { csrf })).status).toBe(303);
    states.push((await findReplay(system.db, id)).state);
  }
  expect(states).toEqual(['running', 'paused', 'running', 'cancelled']);
  expect(await countItems(system.db, id)).toMatchObject({ planned: 60 });
  expect(await codeOf(await post(`${path}/apply`, { csrf }))).toEqual([409, 'replay_state_wrong']);
  const actions = await system.db
    .selectFrom('operator_actions')
    .select('action')
    .where('target', '=', `replay:${id}`)
    .orderBy('id')
    .execute();
  expect(actions.map(({ action }) => action.split('.')[1])).toEqual(['plan', 'apply', 'pause', 'resume', 'cancel']);
});

test('a finished event is replayed only for handlers that are chosen', async () => {
  await storeEvents(system.db, { count: 1, prefix: 'evt_fine', state: 'processed', type: 'fine.done' });
  await rememberHandlers(system.db, [{ name: 'grant', pattern: '*', version: 1 }]);
  const form = { type: 'fine.*', state: 'processed', why: 'again', csrf };
  expect(await codeOf(await post('/replays', form))).toEqual([400, 'replay_needs_handlers']);
  const planned = await post('/replays', { ...form, handler: 'grant' });
  const id = Number(planned.headers.get('location')?.split('/')[2]);
  expect(await findReplay(system.db, id)).toMatchObject({ events: 1, handlers: ['grant'] });
});

test('an event is told with its story and without what is personal, and discarded with a reason', async () => {
  await storeEvents(system.db, { count: 1, prefix: 'evt_one', type: 'one.<i>failed' });
  const page = await (await running.ask('/dead/evt_one1?account=acme', { cookie: reader, headers: asPage })).text();
  expect(page).toContain('one.&lt;i&gt;failed');
  expect(page).not.toContain('<i>');
  expect(page).not.toMatch(changeForms);
  expect(await codeOf(await post('/dead/evt_one1/discard', { csrf }))).toEqual([400, 'parameter_invalid']);
  expect((await post('/dead/evt_one1/discard', { csrf, reason: 'theirs' })).status).toBe(303);
  const story = await (await running.ask('/dead/evt_one1', { cookie: reader })).json();
  expect(story).toMatchObject({ state: 'discarded' });
  expect(await codeOf(await running.ask('/dead/evt_none', { cookie: reader }))).toEqual([404, 'event_unknown']);
});

test('the report is a plot without a script or a style of its own', async () => {
  const answer = await running.ask('/dead', { cookie: reader, headers: asPage });
  const page = await answer.text();
  expect(page.match(/<rect /g)).toHaveLength(28);
  expect(page).not.toMatch(/<script|style="/);
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await (await running.ask('/dead?from=yesterday', { cookie: reader })).json()).toMatchObject({
    code: 'parameter_invalid',
  });
});

async function replaysStored(): Promise<number> {
  return (await system.db.selectFrom('replays').select('id').execute()).length;
}
