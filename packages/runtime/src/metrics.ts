import { Registry, collectDefaultMetrics, type OpenMetricsContentType } from 'prom-client';
import { createDeclare } from './metrics/declare.ts';
import { createEndpointLabel, createLabelLimit } from './metrics/limit-labels.ts';
import { processingMetrics } from './metrics/processing.ts';
import { receivingMetrics } from './metrics/receiving.ts';
import { resourceMetrics } from './metrics/resources.ts';
import { storageMetrics } from './metrics/storage.ts';

/** Stripe has about 250 event types and PayPal 100; a sender cannot make more series than this. */
const TYPE_LABELS_MAX = 400;

/** Ten secrets at most, and two names in a pair of Adyen's; PayPal's certificates are named by requests. */
const KEY_LABELS_MAX = 50;

/** Our own codes are about thirty; drivers and handlers bring theirs. */
const CODE_LABELS_MAX = 50;

/**
 * Every metric of every process. The declarations are in metrics/: name, unit,
 * labels with their values, and the panel or alert each serves. Every series
 * also says which process and environment it is of.
 */
export function createMetrics(options: {
  readonly process: string;
  readonly version: string;
  readonly commit?: string;
  readonly environment: string;
}) {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  registry.setDefaultLabels({ process: options.process, environment: options.environment });
  collectDefaultMetrics({ register: registry });
  const declare = createDeclare(registry);
  const metrics = {
    ...receivingMetrics(declare),
    ...processingMetrics(declare),
    ...storageMetrics(declare),
    ...resourceMetrics(declare),
  };
  metrics.buildInfo.set({ version: options.version, commit: options.commit ?? 'unknown', node: process.version }, 1);
  return {
    registry,
    declared: declare.declared,
    ...metrics,
    typeLabel: createLabelLimit(TYPE_LABELS_MAX),
    keyLabel: createEndpointLabel(KEY_LABELS_MAX),
    codeLabel: createLabelLimit(CODE_LABELS_MAX),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
