import { Registry, collectDefaultMetrics, type OpenMetricsContentType } from 'prom-client';
import { providerNamed } from '@penstock/core/providers/registry';
import { canaryMetrics } from './metrics/canary.ts';
import { createDeclare } from './metrics/declare.ts';
import { createEndpointLabel, createLabelLimit, createTypeLabel } from './metrics/limit-labels.ts';
import { limitMetrics } from './metrics/limits.ts';
import { paymentMetrics } from './metrics/payments.ts';
import { processingMetrics } from './metrics/processing.ts';
import { receivingMetrics } from './metrics/receiving.ts';
import { resourceMetrics } from './metrics/resources.ts';
import { storageMetrics } from './metrics/storage.ts';

/** Of senders who make up their own event types; one rarely has more than a few dozen. */
const MADE_UP_TYPES_MAX = 50;

/** Ten secrets at most, and two names in a pair of Adyen's; PayPal's certificates are named by requests. */
const KEY_LABELS_MAX = 50;

/** Failure codes: our own are about thirty; drivers and handlers bring theirs. Tables: the schema has some twenty. */
const CODE_LABELS_MAX = 50;

/** Providers, and addresses in the configuration. */
const ADDRESS_LABELS_MAX = 50;

/** ISO 4217 has about 180 codes in use. */
const CURRENCY_LABELS_MAX = 200;

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
    ...limitMetrics(declare),
    ...processingMetrics(declare),
    ...storageMetrics(declare),
    ...paymentMetrics(declare),
    ...canaryMetrics(declare),
    ...resourceMetrics(declare),
  };
  metrics.buildInfo.set({ version: options.version, commit: options.commit ?? 'unknown', node: process.version }, 1);
  return {
    registry,
    declared: declare.declared,
    ...metrics,
    typeLabel: createTypeLabel({
      typesOf: (provider) => providerNamed(provider)?.eventTypes,
      madeUpMax: MADE_UP_TYPES_MAX,
    }),
    keyLabel: createEndpointLabel(KEY_LABELS_MAX),
    codeLabel: createLabelLimit(CODE_LABELS_MAX),
    addressLabel: createLabelLimit(ADDRESS_LABELS_MAX),
    tableLabel: createLabelLimit(CODE_LABELS_MAX),
    currencyLabel: createLabelLimit(CURRENCY_LABELS_MAX),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
