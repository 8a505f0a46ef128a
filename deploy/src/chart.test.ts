import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { assertConforms, chartValues, renderChart, type Manifest } from './chart.ts';
import configuration from '../../penstock.config.ts';
import { repository } from './dockerfile.ts';

const podSchema = z.looseObject({
  automountServiceAccountToken: z.literal(false),
  terminationGracePeriodSeconds: z.number().optional(),
  securityContext: z.looseObject({ runAsNonRoot: z.literal(true), runAsUser: z.literal(65_532) }),
  containers: z.tuple([
    z.looseObject({
      name: z.string(),
      image: z.string(),
      env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
      ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).optional(),
      securityContext: z.strictObject({
        allowPrivilegeEscalation: z.literal(false),
        readOnlyRootFilesystem: z.literal(true),
        capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
      }),
      lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
      readinessProbe: z.looseObject({ httpGet: z.strictObject({ path: z.string(), port: z.string() }) }).optional(),
    }),
  ]),
});
const workloadSchema = z.looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: podSchema }) }) });

const everyOption = { configMap: 'configuration', tlsSecret: 'files', queue: { shards: 6, replicas: 2 } };

let manifests: readonly Manifest[] = [];
beforeAll(async () => {
  manifests = await renderChart(chartValues());
});

const named = (kind: string, name: string) => manifests.find((one) => one.kind === kind && one.metadata.name === name);
const pods = () => podsOf(manifests);
const podsOf = (some: readonly Manifest[]) =>
  some
    .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
    .map((one) => workloadSchema.parse(one).spec.template.spec);

test('everything that is rendered conforms to the schema of its API, with every option on and off', async () => {
  const all = [...manifests, ...(await renderChart(chartValues({ ...everyOption, otlpEndpoint: 'http://otel:4318' })))];
  expect(all.length).toBeGreaterThanOrEqual(32);
  for (const manifest of all) await assertConforms(manifest);
  const bare = await renderChart(
    chartValues({
      serviceMonitor: { enabled: false },
      networkPolicy: { enabled: false },
      console: { enabled: false },
      canary: { enabled: false },
    }),
  );
  expect(bare.map(({ kind }) => kind)).not.toContain('NetworkPolicy');
  expect(bare.map(({ metadata }) => metadata.name)).not.toContain('pay-canary');
  for (const manifest of bare) await assertConforms(manifest);
});

test('a manifest that contradicts its schema is refused', async () => {
  await expect(
    assertConforms({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec: { ports: 1 } }),
  ).rejects.toThrow(/ports/);
});

test('every pod runs without root, privilege, a writable root or a token, and is told its secrets by reference', () => {
  expect(pods()).toHaveLength(5);
  for (const pod of pods())
    for (const { name, value } of pod.containers[0].env)
      if (!/^(CANARY|PROMETHEUS)_URL$/.test(name) && /SECRET|PASSWORD|URL|KEY|WEBHOOK_ID/.test(name))
        expect(value, name).toBeUndefined();
});

test('no pod that may see the ledger is ingest', () => {
  for (const pod of pods()) {
    const names = pod.containers[0].env.map(({ name }) => name);
    expect(names.includes('DATABASE_URL'), pod.containers[0].name).toBe(pod.containers[0].name !== 'ingest');
  }
  expect(JSON.stringify(named('NetworkPolicy', 'pay-ingest'))).not.toMatch(/5432|6432/);
  expect(JSON.stringify(named('NetworkPolicy', 'pay-worker'))).toMatch(/5432/);
});

test('who is asked by people and providers believes the ingress controller about their addresses, and nobody else anybody', () => {
  const believing = pods().flatMap(({ containers: [{ name, env }] }) =>
    env.some((one) => one.name === 'TRUSTED_PROXIES') ? [name] : [],
  );
  expect(believing.toSorted()).toEqual(['console', 'ingest']);
});

test('Kubernetes waits for as long as a process may take to stop', () => {
  for (const { containers, terminationGracePeriodSeconds = 0 } of pods()) {
    const [{ lifecycle, env }] = containers;
    if (lifecycle === undefined) continue;
    const shutdownSeconds = Number(env.find(({ name }) => name === 'SHUTDOWN_MS')?.value) / 1000;
    expect(shutdownSeconds).toBe(8);
    expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(lifecycle.preStop.sleep.seconds + shutdownSeconds + 2);
  }
});

test('every process has the files for TLS, and all of them the same queue', async () => {
  const some = podsOf(await renderChart(chartValues(everyOption)));
  expect(some).toHaveLength(5);
  for (const { containers, volumes } of some) {
    const [{ name, env, volumeMounts }] = containers;
    expect(volumes, name).toContainEqual({ name: 'tls', secret: { secretName: 'files' } });
    expect(volumeMounts, name).toContainEqual({ name: 'tls', mountPath: '/etc/penstock/tls', readOnly: true });
    if (name === 'migrate') continue;
    expect(env, name).toContainEqual({ name: 'QUEUE_SHARDS', value: '6' });
    expect(env, name).toContainEqual({ name: 'QUEUE_REPLICAS', value: '2' });
  }
});

test('every process is asked on the private port that its image listens on', () => {
  const dockerfile = readFileSync(path.join(repository, 'deploy/Dockerfile'), 'utf8');
  for (const { containers } of pods()) {
    const [{ name, ports, readinessProbe }] = containers;
    if (name === 'migrate') continue;
    expect(readinessProbe?.httpGet).toEqual({ path: '/ready', port: 'health' });
    const port = ports?.find((one) => one.name === 'health')?.containerPort;
    expect(dockerfile).toMatch(new RegExp(`FROM process AS ${name}\\n.*\\nENV .*HEALTH_PORT=${port}\\n`));
  }
});

describe('the canary', () => {
  const variable = (some: readonly Manifest[], name: string) =>
    podsOf(some.filter(({ metadata }) => metadata.name === 'pay-canary'))[0]?.containers[0].env.find(
      (one) => one.name === name,
    )?.value;

  test('is sent to where providers send, or else to the Service of ingest, which lets it in', async () => {
    expect(variable(manifests, 'CANARY_URL')).toBe('http://pay-ingest/webhooks/canary');
    expect(named('Service', 'pay-ingest')).toBeDefined();
    const own = { podSelector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': 'canary' }) } };
    expect(named('NetworkPolicy', 'pay-ingest')).toMatchObject({
      spec: { ingress: expect.arrayContaining([{ from: [own], ports: [{ protocol: 'TCP', port: 8080 }] }]) },
    });
    const url = 'https://pay.example.com/webhooks/canary';
    expect(variable(await renderChart(chartValues({ canary: { enabled: true, url } })), 'CANARY_URL')).toBe(url);
  });

  test('has its secret, as ingest has, and the endpoint that both take it for', () => {
    for (const name of ['pay-canary', 'pay-ingest'])
      expect(JSON.stringify(named('Deployment', name))).toContain(
        '{"name":"CANARY_SECRET","valueFrom":{"secretKeyRef":{"name":"penstock","key":"canary-secret"}}}',
      );
    expect(configuration.endpoints['canary']).toMatchObject({ secrets: [{ fromEnvironment: 'CANARY_SECRET' }] });
  });
});

describe('the schema', () => {
  test('is migrated before the new version runs', () => {
    expect(named('Job', 'pay-migrate')?.metadata).toMatchObject({
      annotations: { 'helm.sh/hook': 'pre-install,pre-upgrade' },
    });
  });

  test('has the time for the longest statement of a migration, and helm is told to wait for it', () => {
    const command = readFileSync(path.join(repository, 'apps/worker/src/commands/migrate.ts'), 'utf8');
    const statementMs = Number(/^const STATEMENT_MS_MAX = ([\d_]+);$/m.exec(command)?.[1]?.replaceAll('_', ''));
    const job = z
      .looseObject({ spec: z.looseObject({ activeDeadlineSeconds: z.number() }) })
      .parse(named('Job', 'pay-migrate'));
    expect(job.spec.activeDeadlineSeconds).toBeGreaterThan(statementMs / 1_000);
    const document = readFileSync(path.join(repository, 'docs/DEPLOYMENT.md'), 'utf8');
    const timeouts = [...document.matchAll(/^helm upgrade .*(?:\\\n.*)*--timeout (\d+)m$/gm)].map(
      ([, minutes]) => minutes,
    );
    expect(timeouts).toHaveLength(1);
    expect(Number(timeouts[0]) * 60).toBeGreaterThan(job.spec.activeDeadlineSeconds);
  });
});
