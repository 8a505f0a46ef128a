import { beforeAll, describe, expect, test } from 'vitest';
import { providerNamed } from '@penstock/core/providers/registry';
import configuration from '../../penstock.config.ts';
import { startProcess } from '../../tests/harness/process.ts';
import { createTestSystem } from '../../tests/harness/system.ts';
import { chartValues, renderChart } from './chart.ts';
import { workloadsOf, type Workload } from './chart-objects.ts';

let workloads: ReadonlyMap<string, Workload> = new Map();
beforeAll(async () => {
  workloads = workloadsOf(await renderChart(chartValues()));
});

const secretsOf = (component: string, among = workloads) =>
  (among.get(component)?.env ?? [])
    .flatMap(({ name, valueFrom }) => (valueFrom === undefined ? [] : [name]))
    .toSorted();

/** The variables that the stock configuration names: those that a provider is asked with, and the others. */
function variablesOfConfiguration(): { readonly asking: readonly string[]; readonly verifying: readonly string[] } {
  const asking: string[] = [];
  const verifying: string[] = [];
  for (const { provider, ...settings } of Object.values(configuration.endpoints)) {
    const { confirmation, snapshots } = providerNamed(provider) ?? {};
    const asked = new Set([...(confirmation?.settings ?? []), ...(snapshots?.settings ?? [])]);
    for (const [name, setting] of Object.entries(settings))
      for (const [, variable = ''] of JSON.stringify(setting).matchAll(/"fromEnvironment":"(\w+)"/g))
        (asked.has(name) ? asking : verifying).push(variable);
  }
  return { asking, verifying };
}

test('ingest has every secret that the configuration names, and a worker those alone that providers are asked with', () => {
  const { asking, verifying } = variablesOfConfiguration();
  const shared = ['MASK_KEY', 'PAYLOAD_KEYS', 'REDIS_URL'];
  expect(asking).toEqual(['PAYPAL_CLIENT_ID', 'PAYPAL_CLIENT_SECRET']);
  expect(secretsOf('ingest')).toEqual([...shared, ...asking, ...verifying].toSorted());
  expect(secretsOf('worker')).toEqual([...shared, ...asking, 'DATABASE_URL'].toSorted());
  expect(secretsOf('canary')).toEqual([...secretsOf('worker'), 'CANARY_SECRET'].toSorted());
  expect(secretsOf('migrate')).toEqual(['DATABASE_URL']);
});

test('a secret that is named for one process is given to it, by reference, and to no other', async () => {
  const secretEnv = [{ name: 'SOMETHING_SECRET', key: 'something' }];
  const given = { name: 'SOMETHING_SECRET', valueFrom: { secretKeyRef: { name: 'penstock', key: 'something' } } };
  for (const [process, having] of [
    ['ingest', ['ingest']],
    ['worker', ['worker', 'canary']],
    ['canary', ['canary']],
    ['console', ['console']],
  ] as const) {
    const some = workloadsOf(await renderChart(chartValues({ [process]: { secretEnv } })));
    for (const [component, { env }] of some)
      expect(
        env.filter(({ name }) => name === 'SOMETHING_SECRET'),
        component,
      ).toEqual(having.some((one) => one === component) ? [given] : []);
  }
});

describe('with what the chart gives it, and nothing else', () => {
  const sample: Readonly<Record<string, string>> = {
    'mask-key': 'a mask key of the tests',
    'payload-keys': `first:${Buffer.alloc(32, 7).toString('base64')}`,
    'paypal-client-id': 'client',
    'paypal-client-secret': 'client-secret',
    'canary-secret': `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
  };

  test.each(['worker', 'canary'])('a %s takes webhooks', async (component) => {
    await using system = await createTestSystem('redis');
    const { REDIS_URL = '', QUEUE_NAME = '', DATABASE_URL = '' } = system.environment;
    const secrets = { ...sample, 'redis-url': REDIS_URL, 'worker-database-url': DATABASE_URL };
    const env = Object.fromEntries(
      (workloads.get(component)?.env ?? []).map(({ name, value, valueFrom }) => [
        name,
        value ?? new Map(Object.entries(secrets)).get(valueFrom?.secretKeyRef.key ?? '') ?? '',
      ]),
    );
    await using started = await startProcess({
      name: component,
      script: 'apps/worker/src/main.ts',
      // What the image sets, and where the tests have their services.
      env: { ...env, HEALTH_PORT: '0', QUEUE_NAME },
    });
    await started.waitForLine(/"taking webhooks"/);
  });
});
