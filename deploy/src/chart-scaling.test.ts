import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { chartValues, renderChart, type Manifest } from './chart.ts';
import { selects, workloadsOf, type Workload } from './chart-objects.ts';
import { repository } from './dockerfile.ts';

let manifests: readonly Manifest[] = [];
let workloads: ReadonlyMap<string, Workload> = new Map();
beforeAll(async () => {
  manifests = await renderChart(chartValues());
  workloads = workloadsOf(manifests);
});

const named = (kind: string, name: string, among = manifests) =>
  among.find((one) => one.kind === kind && one.metadata.name === name);

test('ingest is scaled by its CPU, measured against what its pod asks for, and nobody else sets its number', () => {
  const ingest = workloads.get('ingest');
  expect(named('HorizontalPodAutoscaler', 'pay-ingest')).toMatchObject({
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: ingest?.name },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
      ],
    },
  });
  expect(ingest?.requests['cpu']).toBe('500m');
  expect(ingest?.replicas).toBeUndefined();
});

test('a drained node takes one ingest and one worker at a time, and is kept by nobody who runs once', () => {
  const budgets = z
    .array(
      z.looseObject({
        spec: z.strictObject({
          maxUnavailable: z.literal(1),
          unhealthyPodEvictionPolicy: z.literal('AlwaysAllow'),
          selector: z.unknown(),
        }),
      }),
    )
    .parse(manifests.filter(({ kind }) => kind === 'PodDisruptionBudget'));
  const covered = budgets.map(({ spec }) =>
    [...workloads].filter(([, { labels }]) => selects(spec.selector, labels)).map(([component]) => component),
  );
  expect(covered.toSorted()).toEqual([['ingest'], ['worker']]);
  expect(workloads.get('console')?.replicas).toBe(1);
  expect(workloads.get('canary')?.replicas).toBe(1);
});

test('pods are spread over zones and nodes among those of their own kind', () => {
  for (const [component, { labels, spreadOver }] of workloads)
    for (const selector of spreadOver)
      expect(
        [...workloads].filter(([, other]) => selects(selector, other.labels)).map(([name]) => name),
        component,
      ).toEqual([labels['app.kubernetes.io/component']]);
  for (const component of ['ingest', 'worker']) expect(workloads.get(component)?.spreadOver).toHaveLength(2);
});

describe('workers', () => {
  const scalerSchema = z.looseObject({
    spec: z.looseObject({
      scaleTargetRef: z.strictObject({ name: z.string() }),
      fallback: z.unknown(),
      triggers: z.array(
        z.strictObject({
          type: z.literal('prometheus'),
          metadata: z.looseObject({ query: z.string(), ignoreNullValues: z.string() }),
        }),
      ),
    }),
  });
  const scaler = (among = manifests) => scalerSchema.parse(named('ScaledObject', 'pay-worker', among)).spec;
  /** The chart's queries are all the greatest of one metric. */
  const readQuery = ({ metadata }: { readonly metadata: { readonly query: string } }) => {
    const [, metric = '', matchers = ''] = /^max\((\w+)\{(.*)\}\)$/.exec(metadata.query) ?? [];
    return {
      metric,
      labels: Object.fromEntries([...matchers.matchAll(/(\w+)="([^"]*)"/g)].map(([, a = '', b]) => [a, b])),
    };
  };

  test('are scaled by depth and by age of the queue, in metrics that exist', () => {
    const metrics = readFileSync(path.join(repository, 'docs/METRICS.md'), 'utf8');
    const queries = scaler().triggers.map(readQuery);
    expect(queries.map(({ metric }) => metric)).toEqual([
      'penstock_queue_jobs',
      'penstock_queue_oldest_waiting_seconds',
    ]);
    for (const { metric } of queries) expect(metrics).toContain(`\`${metric}\``);
    expect(queries[0]?.labels['state']).toBe('waiting');
    expect(scaler().scaleTargetRef.name).toBe(workloads.get('worker')?.name);
    expect(workloads.get('worker')?.replicas).toBeUndefined();
  });

  test('are scaled by their own release alone: by the labels that its ServiceMonitor gives its series', () => {
    const monitor = z
      .looseObject({ spec: z.looseObject({ selector: z.unknown() }) })
      .parse(named('ServiceMonitor', 'pay'));
    const labelled = z.looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }) });
    const monitored = manifests
      .filter(({ kind }) => kind === 'Service')
      .filter((service) => selects(monitor.spec.selector, labelled.parse(service).metadata.labels));
    expect(monitored.map(({ metadata }) => metadata.name)).toEqual(['pay-private']);
    for (const { labels } of scaler().triggers.map(readQuery))
      expect(labels).toMatchObject({ namespace: 'payments', service: 'pay-private' });
  });

  test('are scaled by labels of your own where another than the ServiceMonitor gives them', async () => {
    const worker = { keda: { matchers: 'job="pay"' } };
    for (const { labels } of scaler(await renderChart(chartValues({ worker }))).triggers.map(readQuery))
      expect(labels).toMatchObject({ job: 'pay' });
  });

  test('stay as many as they are where Prometheus is away, or knows nothing of the queue', () => {
    const { fallback, triggers } = scaler();
    expect(fallback).toEqual({ failureThreshold: 4, replicas: 3, behavior: 'currentReplicasIfHigher' });
    for (const { metadata } of triggers) expect(metadata.ignoreNullValues).toBe('false');
  });

  test.each([{ worker: { keda: { enabled: false } } }, { prometheus: '' }])(
    'stand at a fixed number without KEDA or Prometheus: %j',
    async (changed) => {
      const without = await renderChart(chartValues(changed));
      expect(without.some(({ kind }) => kind === 'ScaledObject')).toBe(false);
      expect(workloadsOf(without).get('worker')?.replicas).toBe(3);
    },
  );
});

test('a ServiceMonitor has the labels that your Prometheus selects by', async () => {
  const some = await renderChart(chartValues({ serviceMonitor: { enabled: true, labels: { release: 'monitoring' } } }));
  expect(named('ServiceMonitor', 'pay', some)?.metadata).toEqual({ name: 'pay', labels: { release: 'monitoring' } });
  expect(named('ServiceMonitor', 'pay')?.metadata).toEqual({ name: 'pay' });
});
