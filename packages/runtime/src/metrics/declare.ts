import { Counter, Gauge, Histogram, type OpenMetricsContentType, type Registry } from 'prom-client';

/** What is known of a metric beside its values; docs/METRICS.md is made of these. */
export interface DeclaredMetric {
  /** Ends in its unit: `_seconds`, `_bytes`, `_total` for a count. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Each label with the values it takes. Identifiers never become labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** The panel, alert or objective that needs it. */
  readonly serves: string;
  readonly buckets?: readonly number[];
}

interface Declaration<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<Label, string>>;
  readonly serves: string;
}

/** A histogram that knows which trace made an observation. */
export interface TracedHistogram<Label extends string> {
  /** The trace id, where there is one, is kept as the exemplar of the value's bucket. */
  readonly observe: (labels: Readonly<Record<Label, string | number>>, value: number, traceId?: string) => void;
}

/** Makes metrics in one registry and remembers what was declared. */
export type Declare = ReturnType<typeof createDeclare>;

export function createDeclare(registry: Registry<OpenMetricsContentType>) {
  const declared: DeclaredMetric[] = [];
  const registers = [registry];
  return {
    declared,
    counter: <Label extends string>(declaration: Declaration<Label>): Counter<Label> => {
      declared.push({ ...declaration, kind: 'counter' });
      return new Counter({ ...base(declaration), registers });
    },
    gauge: <Label extends string>(declaration: Declaration<Label>): Gauge<Label> => {
      declared.push({ ...declaration, kind: 'gauge' });
      const gauge = new Gauge({ ...base(declaration), registers });
      // prom-client begins one without labels at 0; a process that never sets it says nothing.
      if (Object.keys(declaration.labels).length === 0) gauge.remove();
      return gauge;
    },
    histogram: <Label extends string>(
      declaration: Declaration<Label> & { readonly buckets: readonly number[] },
    ): TracedHistogram<Label> => {
      declared.push({ ...declaration, kind: 'histogram' });
      const buckets = [...declaration.buckets];
      const histogram = new Histogram<string>({ ...base(declaration), buckets, enableExemplars: true, registers });
      return {
        observe: (labels, value, traceId) =>
          histogram.observe({ labels, value, exemplarLabels: traceId === undefined ? {} : { trace_id: traceId } }),
      };
    },
  };
}

function base<Label extends string>({ name, help, labels }: Declaration<Label>) {
  return { name, help, labelNames: labelNames(labels) };
}

function labelNames<Label extends string>(labels: Readonly<Record<Label, string>>): Label[] {
  const names: Label[] = [];
  for (const name in labels) names.push(name);
  return names;
}
