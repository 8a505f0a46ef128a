import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  runConsole,
  testOperatorPassword,
  testPassword,
  type RunningConsole,
} from '@penstock/console/testing/run-console';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from '../harness/system.ts';
import { until } from '../harness/until.ts';
import { startChromium, watchFaults } from './chromium.ts';

const stack = new AsyncDisposableStack();
const poison = aStripeEvent({ type: 'customer.updated' });
const payment = 'pi_browser';
let system: TestSystem;
let running: RunningConsole;
let browser: Browser;

beforeAll(async () => {
  system = stack.use(await createTestSystem());
  const ingest = stack.use(await system.startIngest());
  stack.use(await system.startWorker());
  const created = aStripeEvent({
    type: 'payment_intent.created',
    object: {
      id: payment,
      object: 'payment_intent',
      amount: 1_250,
      currency: 'eur',
      status: 'requires_payment_method',
    },
  });
  for (const { body } of [poison, created]) expect((await postStripe(ingest, body)).status).toBe(200);
  await until(async () => (await system.ledger())['dead'] === 1, { what: 'the dead letter' });
  await until(async () => (await system.ledger())['processed'] === 1, { what: 'the payment' });
  running = stack.use(await runConsole({ environment: system.environment }));
  browser = await startChromium();
  stack.defer(() => browser.close());
});
afterAll(() => stack.disposeAsync());

describe('in a browser', () => {
  test('a wrong password is told so, the right one leads where one wanted to go, and logging out ends it', async () => {
    const page = await open();
    await page.goto(`${running.origin}/sla`);
    await logIn(page, 'guessed');
    expect(await page.getByRole('alert').textContent()).not.toBe('');
    await logIn(page, testPassword);
    expect(new URL(page.url()).pathname).toBe('/sla');
    await page.goto(`${running.origin}/`);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.goto(`${running.origin}/dead`);
    expect(new URL(page.url()).pathname).toBe('/login');
  });

  test('every page that an operator is led to opens whole, refused nothing by its policy and asking nobody else', async () => {
    const page = await open(testOperatorPassword);
    const faults = watchFaults(page, running.origin);
    const seen = new Set<string>();
    const left = ['/'];
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      // The board asks for what it shows when it is there.
      await page.goto(`${running.origin}${path}`, { waitUntil: path === '/queues' ? 'networkidle' : 'load' });
      const links = await page.locator('a[href^="/"]').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
      left.push(...links.filter((link) => link !== null));
    }
    expect(faults).toEqual([]);
    for (const path of ['/', '/queues', '/dead', '/replays', '/conflicts', '/keys', '/sla', '/api'])
      expect([...seen]).toContain(path);
  });

  test('a payment is found by an id', async () => {
    const page = await open(testPassword);
    await page.goto(`${running.origin}/`);
    await page.getByRole('searchbox').fill(` ${payment} `);
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('heading', { name: `Payment ${payment}` }).waitFor();
    expect(await page.textContent('body')).toContain('12.50 EUR');
  });

  test('the board shows a reader a dead letter with its reason, and offers no change', async () => {
    const page = await openBoard(testPassword);
    await page.getByText('test_poison').first().waitFor();
    expect(await changesOffered(page)).toEqual([]);
  });

  test('it offers an operator the retry of a single job and nothing else; a click gives it back to the workers', async () => {
    const page = await openBoard(testOperatorPassword);
    await page.getByText('test_poison').first().waitFor();
    expect(await changesOffered(page)).toEqual(['refresh-cw']);
    const deaths = await deathsOfPoison();
    await page.locator('li:has(.lucide-refresh-cw) button:visible').click();
    await page.getByRole('button', { name: 'Confirm' }).click();
    await until(async () => (await deathsOfPoison()) > deaths, { what: 'another attempt' });
    await until(async () => (await system.ledger())['dead'] === 1, { what: 'its end' });
  });

  test('an operator plans a replay of what is dead, sees what it means, and applies it', async () => {
    const page = await open(testOperatorPassword);
    await page.goto(`${running.origin}/dead`);
    await page.getByLabel('Why').fill('its handler is mended');
    await page.getByRole('button', { name: 'Plan a replay of all that match' }).click();
    await page.getByRole('heading', { name: 'What it means' }).waitFor();
    expect(await page.textContent('body')).toContain(poison.id);
    const deaths = await deathsOfPoison();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('heading', { name: /is (running|done)/ }).waitFor();
    await until(async () => (await deathsOfPoison()) > deaths, { what: 'its attempt' });
  });
});

async function open(password?: string): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (password === undefined) return page;
  await page.goto(`${running.origin}/`);
  await logIn(page, password);
  return page;
}

async function logIn(page: Page, password: string): Promise<void> {
  await page.getByLabel('Your name').fill('ada');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function openBoard(password: string): Promise<Page> {
  const page = await open(password);
  const name = encodeURIComponent(system.queue.location.name);
  await page.goto(`${running.origin}/queues/queue/${name}?status=failed`, { waitUntil: 'networkidle' });
  return page;
}

/** The icons of what can be done to a job, to all of a state, and to the queue. */
async function changesOffered(page: Page): Promise<readonly string[]> {
  const icons = page.locator(
    '[class*="jobActions-"] svg:visible, [class*="queueActions-"] svg:visible, [class*="trigger-"] svg:visible',
  );
  return icons.evaluateAll((all) =>
    all.map((icon) => /lucide-([\w-]+)/.exec(icon.getAttribute('class') ?? '')?.[1] ?? 'another'),
  );
}

/** Its handler leaves no effect, for it fails each time; that it died is recorded each time. */
async function deathsOfPoison(): Promise<number> {
  return (await system.db.selectFrom('deaths').select('id').execute()).length;
}
