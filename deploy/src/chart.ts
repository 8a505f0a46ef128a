import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as render } from '@evertdespiegeleer/go-template';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { repository } from './dockerfile.ts';

const folder = path.join(repository, 'deploy/helm/penstock');

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
/** A rendered object of Kubernetes. */
export type Manifest = z.output<typeof manifestSchema>;

const mapSchema = z.record(z.string(), z.unknown());

/** values.yaml with what is given over it, as helm does with a file of one's own: maps are merged, all else is replaced. */
export function chartValues(changed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return merged(mapSchema.parse(parseYaml(readFileSync(path.join(folder, 'values.yaml'), 'utf8'))), changed);
}

function merged(values: Record<string, unknown>, changed: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const over = Object.entries(changed).map(([name, value]) => {
    const [mine, given] = [mapSchema.safeParse(values[name]), mapSchema.safeParse(value)];
    return [name, mine.success && given.success ? merged(mine.data, given.data) : value] as const;
  });
  return { ...values, ...Object.fromEntries(over) };
}

/**
 * Renders deploy/helm/penstock with Go's own template engine, compiled to
 * WebAssembly. Helm adds functions to that engine; the chart uses none of them,
 * so that what is rendered here is what helm renders.
 */
export async function renderChart(values: Readonly<Record<string, unknown>>): Promise<readonly Manifest[]> {
  // In one go, because starting the engine is what takes the time.
  const files = globSync('templates/*', { cwd: folder }).toSorted();
  const text = await render(files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n---\n'), {
    Values: values,
    Release: { Name: 'pay', Namespace: 'payments' },
  });
  // Which helm would pass on to the cluster.
  if (text.includes('<no value>')) throw new Error(`the chart uses a value that values.yaml lacks:\n${text}`);
  const manifests: Manifest[] = [];
  for (const document of parseAllDocuments(text)) {
    const [error] = document.errors;
    if (error !== undefined) throw new Error('the chart renders to no YAML', { cause: error });
    const manifest: unknown = document.toJS();
    if (manifest !== null) manifests.push(manifestSchema.parse(manifest));
  }
  return manifests;
}

/** Throws where a manifest contradicts the schema that its API publishes: a field of the wrong type, or one that is missing. */
export async function assertConforms(manifest: Manifest): Promise<void> {
  const model = (await models(manifest.apiVersion))[manifest.kind];
  if (model === undefined) throw new Error(`no schema for ${manifest.apiVersion} ${manifest.kind}`);
  new (constructorOf(model))(manifest).validate();
}

type Model = new (manifest: Manifest) => { readonly validate: () => void };

function constructorOf(model: unknown): Model {
  return z.custom<Model>((value) => typeof value === 'function').parse(model);
}

async function models(apiVersion: string): Promise<Readonly<Record<string, unknown>>> {
  switch (apiVersion) {
    case 'v1':
      return import('kubernetes-models/v1');
    case 'apps/v1':
      return import('kubernetes-models/apps/v1');
    case 'autoscaling/v2':
      return import('kubernetes-models/autoscaling/v2');
    case 'batch/v1':
      return import('kubernetes-models/batch/v1');
    case 'networking.k8s.io/v1':
      return import('kubernetes-models/networking.k8s.io/v1');
    case 'policy/v1':
      return import('kubernetes-models/policy/v1');
    case 'keda.sh/v1alpha1':
      return import('@kubernetes-models/keda/keda.sh/v1alpha1');
    case 'monitoring.coreos.com/v1':
      return import('@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1');
    default:
      throw new Error(`no schemas for ${apiVersion}`);
  }
}
