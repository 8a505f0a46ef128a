import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EndpointSetting } from '@penstock/core/configuration';
import { fromEnvironment, optionalFromEnvironment } from '@penstock/core/configuration';
import { ConfigurationError } from '@penstock/core/failure';
import { retryRules } from '@penstock/core/retry-settings';
import { providers } from '@penstock/core/providers/registry';
import { loadConfiguration, resolveSettings, type ConfiguredEndpoint } from './configuration-file.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'penstock-configuration-'));
});
afterAll(async () => rm(home, { recursive: true }));

/** A configuration file with that source; each has a path of its own, because modules are loaded once. */
async function fileWith(source: string): Promise<string> {
  const file = join(await mkdtemp(join(home, 'file-')), 'penstock.config.mjs');
  await writeFile(file, source);
  return file;
}

async function problemsOf(file: string): Promise<readonly string[]> {
  try {
    await loadConfiguration(file);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map((problem) => problem.replace(`${file}: `, ''));
    throw error;
  }
  return [];
}

function endpoint(settings: Readonly<Record<string, EndpointSetting>>): ConfiguredEndpoint {
  return {
    name: 'stripe',
    provider: providers.stripe,
    account: 'stripe',
    settings,
    retry: retryRules(undefined),
    rateLimit: null,
  };
}

describe('a configuration file', () => {
  test('is loaded: endpoints with their provider and account, handlers as written', async () => {
    const file = await fileWith(`export default {
      endpoints: { stripe: { provider: 'stripe', account: 'acme', secrets: ['whsec_1234'] }, 'stripe-eu': { provider: 'stripe', account: 'acme', secrets: [] }, paypal: { provider: 'paypal', webhookId: 'x' } },
      handlers: [{ name: 'a', pattern: '*', run: () => 'ran' }],
    }`);
    const { endpoints, handlers } = await loadConfiguration(file);
    expect([...endpoints.values()].map(({ name, account, provider }) => [name, account, provider.id])).toEqual([
      ['stripe', 'acme', 'stripe'],
      ['stripe-eu', 'acme', 'stripe'],
      ['paypal', 'paypal', 'paypal'],
    ]);
    expect(endpoints.get('stripe')?.settings).toEqual({ secrets: ['whsec_1234'] });
    expect(handlers.map(({ name }) => name)).toEqual(['a']);
  });

  test("gives an endpoint the rate limit that is written, and a second's worth at once; none by itself", async () => {
    const { endpoints } = await loadConfiguration(
      await fileWith(`export default { endpoints: {
        a: { provider: 'github', secrets: [], rateLimit: { perSecond: 5 } },
        b: { provider: 'github', secrets: [], rateLimit: { perSecond: 5, burst: 50 } },
        c: { provider: 'github', secrets: [] },
      } }`),
    );
    expect([...endpoints.values()].map(({ rateLimit }) => rateLimit)).toEqual([
      { perSecond: 5, burst: 5 },
      { perSecond: 5, burst: 50 },
      null,
    ]);
    expect(
      await problemsOf(
        await fileWith(`export default { endpoints: { a: { provider: 'github', rateLimit: { perSecond: 0 } } } }`),
      ),
    ).toEqual(['endpoints.a.rateLimit.perSecond: must be a whole number from 1']);
  });

  test('that names a provider there is not says which, and so for each', async () => {
    const file = await fileWith(
      `export default { endpoints: { a: { provider: 'strype' }, b: { provider: 'toString' }, c: { provider: '__proto__' } } }`,
    );
    expect(await problemsOf(file)).toEqual([
      'endpoints.a.provider: there is no provider named strype',
      'endpoints.b.provider: there is no provider named toString',
      'endpoints.c.provider: there is no provider named __proto__',
    ]);
  });

  test('that gives two handlers one name, and one account to two providers, is told of both', async () => {
    const file = await fileWith(`const run = () => undefined
      export default {
        endpoints: { stripe: { provider: 'stripe', account: 'acme' }, paypal: { provider: 'paypal', account: 'acme' } },
        handlers: [{ name: 'a', pattern: '*', run }, { name: 'b', pattern: '*', run }, { name: 'a', pattern: 'payment.captured', run }],
      }`);
    expect(await problemsOf(file)).toEqual([
      "endpoints.paypal.account: acme is already another provider's account",
      'handlers: the name a is used twice',
    ]);
  });

  test('whose endpoint takes the name of another provider for its account by default is refused as well', async () => {
    const file = await fileWith(
      `export default { endpoints: { stripe: { provider: 'stripe' }, other: { provider: 'paypal', account: 'stripe' } } }`,
    );
    expect(await problemsOf(file)).toEqual(["endpoints.other.account: stripe is already another provider's account"]);
  });

  test('of another shape is refused where it is wrong', async () => {
    const file = await fileWith(
      `export default { endpoints: { Stripe: { provider: 'stripe' }, paypal: {} }, handlers: [{ name: 'a', pattern: '*' }] }`,
    );
    expect(await problemsOf(file)).toEqual([
      expect.stringMatching(/^endpoints.Stripe: /),
      expect.stringMatching(/^endpoints.paypal.provider: /),
      expect.stringMatching(/^handlers.0.run: /),
    ]);
  });

  test('without a default export is refused', async () => {
    expect(await problemsOf(await fileWith('export const configuration = { endpoints: {} }'))).toEqual([
      expect.stringMatching(/^the default export: /),
    ]);
  });

  test('that is not there is named in full', async () => {
    const file = join(home, 'absent.config.ts');
    expect(await problemsOf(file)).toEqual([`PENSTOCK_CONFIG: there is no ${file}`]);
  });

  test('that cannot be loaded is named, and why is kept', async () => {
    const file = await fileWith(`throw new Error('this file has a fault')`);
    await expect(loadConfiguration(file)).rejects.toMatchObject({
      message: `${file} could not be loaded`,
      cause: { message: 'this file has a fault' },
    });
  });
});

describe('the settings of an endpoint', () => {
  test('are looked up in the environment wherever they refer to it, and the rest stays', () => {
    const resolved = resolveSettings(
      endpoint({
        webhookId: fromEnvironment('ID'),
        secrets: [fromEnvironment('SECRET')],
        nested: { deeper: { id: fromEnvironment('ID') } },
        toleranceSeconds: 60,
        offline: true,
      }),
      { ID: 'id-1', SECRET: 'whsec_1' },
    );
    expect(resolved).toEqual({
      settings: {
        webhookId: 'id-1',
        secrets: ['whsec_1'],
        nested: { deeper: { id: 'id-1' } },
        toleranceSeconds: 60,
        offline: true,
      },
      problems: [],
    });
  });

  test.each(['whsec_new,whsec_old', 'whsec_new whsec_old', ' whsec_new,\n whsec_old, '])(
    'a list in one variable, %j, is every secret, newest first',
    (SECRET) => {
      expect(resolveSettings(endpoint({ secrets: [fromEnvironment('SECRET')] }), { SECRET }).settings).toEqual({
        secrets: ['whsec_new', 'whsec_old'],
      });
    },
  );

  test('a list of several variables keeps their order, and leaves out the optional one that is unset', () => {
    const secrets = [fromEnvironment('NEW'), optionalFromEnvironment('OLDER'), optionalFromEnvironment('OLD')];
    expect(resolveSettings(endpoint({ secrets }), { NEW: 'whsec_new', OLD: 'whsec_old' })).toEqual({
      settings: { secrets: ['whsec_new', 'whsec_old'] },
      problems: [],
    });
  });

  test('every variable that is missing or set twice is named, and no value is', () => {
    const resolved = resolveSettings(
      endpoint({
        secrets: [fromEnvironment('NEW'), fromEnvironment('OLD')],
        webhookId: fromEnvironment('ID'),
        clientSecret: optionalFromEnvironment('CLIENT'),
      }),
      { NEW: '', ID: 'hunter2', ID_FILE: '/hunter2' },
    );
    expect(resolved.problems).toEqual([
      'endpoint stripe: NEW is missing',
      'endpoint stripe: OLD is missing',
      'endpoint stripe: ID is set both directly and through ID_FILE; remove one',
    ]);
  });

  test('a secret may lie in a file; an empty one is missing', async () => {
    const SECRET_FILE = join(home, 'secret');
    await writeFile(SECRET_FILE, 'whsec_new,whsec_old\n');
    expect(resolveSettings(endpoint({ secrets: [fromEnvironment('SECRET')] }), { SECRET_FILE })).toEqual({
      settings: { secrets: ['whsec_new', 'whsec_old'] },
      problems: [],
    });
    await writeFile(SECRET_FILE, '\n');
    expect(resolveSettings(endpoint({ secrets: [fromEnvironment('SECRET')] }), { SECRET_FILE }).problems).toEqual([
      'endpoint stripe: SECRET is missing',
    ]);
  });
});
