import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { assertConforms, chartValues, renderChart, type Manifest } from './chart.ts';
import { selects, workloadsOf, type Workload } from './chart-objects.ts';

const namespaceName = 'kubernetes.io/metadata.name';
const peerSchema = z.union([
  z.strictObject({ namespaceSelector: z.unknown() }).transform((peer) => ({ kind: 'namespace', ...peer }) as const),
  z.strictObject({ podSelector: z.unknown() }).transform((peer) => ({ kind: 'pods', ...peer }) as const),
  z
    .strictObject({ ipBlock: z.strictObject({ cidr: z.string() }) })
    .transform(({ ipBlock }) => ({ kind: 'addresses', cidr: ipBlock.cidr }) as const),
]);
// A rule without ports would allow all of them.
const portsSchema = z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port: z.int() })).min(1);
const policySchema = z.looseObject({
  spec: z.strictObject({
    podSelector: z.unknown(),
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
    ingress: z.array(z.strictObject({ from: z.array(peerSchema).min(1), ports: portsSchema })).default([]),
    egress: z.array(z.strictObject({ to: z.array(peerSchema).min(1).optional(), ports: portsSchema })).default([]),
  }),
});

interface Cluster {
  readonly manifests: readonly Manifest[];
  readonly workloads: ReadonlyMap<string, Workload>;
}
async function clusterWith(changed: Readonly<Record<string, unknown>> = {}): Promise<Cluster> {
  const manifests = await renderChart(chartValues({ otlpEndpoint: 'http://otel.example.com:4318', ...changed }));
  return { manifests, workloads: workloadsOf(manifests) };
}

let cluster: Cluster = { manifests: [], workloads: new Map() };
beforeAll(async () => {
  cluster = await clusterWith();
});

/** The policies that a workload's pods are under. Where a direction has none, everything is allowed. */
function policiesOf({ manifests, workloads }: Cluster, component: string) {
  const { labels = {} } = workloads.get(component) ?? {};
  return manifests
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map((one) => policySchema.parse(one).spec)
    .filter(({ podSelector }) => selects(podSelector, labels));
}

/** Where a workload's pods may connect to: `anywhere:443`, `10.0.0.0/8:6379`, `monitoring:9090`, `ingest:8080`. */
function reaches(among: Cluster, component: string): readonly string[] {
  const rules = policiesOf(among, component).flatMap(({ egress }) => egress);
  return rules
    .flatMap(({ to, ports }) =>
      ports.flatMap(({ protocol, port }) =>
        (to?.flatMap((peer) => namesOf(among, peer)) ?? ['anywhere']).map(
          (name) => `${name}:${port}${protocol === 'UDP' ? '/udp' : ''}`,
        ),
      ),
    )
    .toSorted();
}

function namesOf({ workloads }: Cluster, peer: z.output<typeof peerSchema>): readonly string[] {
  switch (peer.kind) {
    case 'addresses':
      return [peer.cidr];
    case 'pods':
      return [...workloads].filter(([, { labels }]) => selects(peer.podSelector, labels)).map(([name]) => name);
    case 'namespace':
      return ['ingress-nginx', 'operators', 'monitoring'].filter((name) =>
        selects(peer.namespaceSelector, { [namespaceName]: name }),
      );
  }
}

const names = ['anywhere:53', 'anywhere:53/udp'];
const collector = 'anywhere:4318';
const redis = '10.0.0.0/8:6379';
const postgres = ['10.0.0.0/8:5432', '10.0.0.0/8:6432'];

test.each([
  ['ingest', [...names, redis, collector, 'anywhere:443']],
  ['worker', [...names, redis, ...postgres, collector, 'anywhere:443']],
  ['canary', [...names, redis, ...postgres, collector, 'anywhere:443', 'ingest:8080']],
  ['console', [...names, redis, ...postgres, collector, 'monitoring:9090']],
  ['migrate', [...names, ...postgres]],
])('%s reaches what it works with, and nothing else: %j', (component, expected) => {
  expect(policiesOf(cluster, component).flatMap(({ policyTypes }) => policyTypes)).toEqual(
    expect.arrayContaining(['Ingress', 'Egress']),
  );
  expect(reaches(cluster, component)).toEqual(expected.toSorted());
});

test('Prometheus reaches every private port, providers ingest, operators the console, and nobody anything else', () => {
  const heard = [...cluster.workloads.keys()].flatMap((component) =>
    policiesOf(cluster, component)
      .flatMap(({ ingress }) => ingress)
      .flatMap(({ from, ports }) =>
        from.flatMap((peer) => namesOf(cluster, peer).map((name) => `${name} → ${component}:${ports[0]?.port}`)),
      ),
  );
  const privatePorts = [...cluster.workloads]
    .filter(([, { ports }]) => ports['health'] !== undefined)
    .map(([component, { ports }]) => `monitoring → ${component}:${ports['health']}`);
  expect(privatePorts).toHaveLength(4);
  expect(heard.toSorted()).toEqual(
    [
      ...privatePorts,
      `ingress-nginx → ingest:${cluster.workloads.get('ingest')?.ports['http']}`,
      `canary → ingest:${cluster.workloads.get('ingest')?.ports['http']}`,
      `operators → console:${cluster.workloads.get('console')?.ports['http']}`,
    ].toSorted(),
  );
});

describe('the way out', () => {
  test('is by the ports that are named for each process, and by none where none is named', async () => {
    const outsidePorts = { ingest: [], worker: [443, 8443], console: [443] };
    const other = await clusterWith({ networkPolicy: { outsidePorts, otlpPort: 4317, prometheusPorts: [9091] } });
    const outside = (component: string) =>
      reaches(other, component).filter((one) => /^(anywhere|monitoring):(?!53\b)/.test(one));
    expect(outside('ingest')).toEqual(['anywhere:4317']);
    expect(outside('worker')).toEqual(['anywhere:4317', 'anywhere:443', 'anywhere:8443']);
    expect(outside('console')).toEqual(['anywhere:4317', 'anywhere:443', 'monitoring:9091']);
    for (const manifest of other.manifests) await assertConforms(manifest);
  });

  test('leads the console to no Prometheus and nobody to a collector where there is none', async () => {
    const without = await clusterWith({ otlpEndpoint: '', prometheus: '' });
    expect(reaches(without, 'console')).toEqual([...names, redis, ...postgres].toSorted());
    expect(reaches(without, 'ingest')).not.toContain(collector);
    expect(without.workloads.get('console')?.env.map(({ name }) => name)).not.toContain('PROMETHEUS_URL');
  });
});

test('the migration goes by the policy of its own version, which is there before it', () => {
  const hooks = z.looseObject({
    annotations: z.looseObject({ 'helm.sh/hook': z.string(), 'helm.sh/hook-weight': z.string() }),
  });
  const [policy, job] = ['NetworkPolicy', 'Job'].map(
    (wanted) =>
      hooks.parse(
        cluster.manifests.find(({ kind, metadata }) => kind === wanted && metadata.name === 'pay-migrate')?.metadata,
      ).annotations,
  );
  expect(policy?.['helm.sh/hook']).toBe(job?.['helm.sh/hook']);
  expect(Number(policy?.['helm.sh/hook-weight'])).toBeLessThan(Number(job?.['helm.sh/hook-weight']));
});
