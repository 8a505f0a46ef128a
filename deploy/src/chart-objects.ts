import * as z from 'zod';
import type { Manifest } from './chart.ts';

const labelsSchema = z.record(z.string(), z.string());

const selectorSchema = z.strictObject({
  matchLabels: labelsSchema.default({}),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .default([]),
});

const variableSchema = z.strictObject({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }) }).optional(),
});

const workloadSchema = z.looseObject({
  spec: z.looseObject({
    replicas: z.number().optional(),
    template: z.looseObject({
      metadata: z.looseObject({ labels: labelsSchema }),
      spec: z.looseObject({
        topologySpreadConstraints: z.array(z.looseObject({ labelSelector: z.unknown() })).default([]),
        containers: z.tuple([
          z.looseObject({
            env: z.array(variableSchema),
            ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).default([]),
            resources: z.looseObject({ requests: labelsSchema }),
          }),
        ]),
      }),
    }),
  }),
});

/** A Deployment or a Job, with what its one pod has. */
export interface Workload {
  readonly name: string;
  readonly replicas: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly z.output<typeof variableSchema>[];
  readonly ports: Readonly<Record<string, number>>;
  readonly requests: Readonly<Record<string, string>>;
  /** The selectors by which pods are counted that are to be spread. */
  readonly spreadOver: readonly unknown[];
}

/** Every workload among the objects, by its component: ingest, worker, canary, console, migrate. */
export function workloadsOf(manifests: readonly Manifest[]): ReadonlyMap<string, Workload> {
  const found = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'Job').map(workloadOf);
  return new Map(found.map((one) => [one.labels['app.kubernetes.io/component'] ?? one.name, one]));
}

function workloadOf(manifest: Manifest): Workload {
  const { replicas, template } = workloadSchema.parse(manifest).spec;
  const [{ env, ports, resources }] = template.spec.containers;
  return {
    name: manifest.metadata.name,
    replicas,
    labels: template.metadata.labels,
    env,
    ports: Object.fromEntries(ports.map((port) => [port.name, port.containerPort])),
    requests: resources.requests,
    spreadOver: template.spec.topologySpreadConstraints.map(({ labelSelector }) => labelSelector),
  };
}

/** Whether a selector of Kubernetes covers what has these labels; it throws on a form that the chart does not use. */
export function selects(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = selectorSchema.parse(selector);
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}
