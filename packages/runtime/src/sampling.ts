import { SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  createAlwaysRecordSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { TelemetrySettings } from './telemetry.ts';

/**
 * The sampler that the settings name, except that what it leaves out is still
 * recorded: only at the end is it known whether it failed.
 */
export function samplerOf({ sampler, samplerRatio }: Pick<TelemetrySettings, 'sampler' | 'samplerRatio'>): Sampler {
  return createAlwaysRecordSampler(chosen());

  function chosen(): Sampler {
    switch (sampler) {
      case 'always_on':
        return new AlwaysOnSampler();
      case 'always_off':
        return new AlwaysOffSampler();
      case 'traceidratio':
        return new TraceIdRatioBasedSampler(Number(samplerRatio));
      case 'parentbased_always_on':
        return new ParentBasedSampler({ root: new AlwaysOnSampler() });
      case 'parentbased_always_off':
        return new ParentBasedSampler({ root: new AlwaysOffSampler() });
      case 'parentbased_traceidratio':
        return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(Number(samplerRatio)) });
    }
  }
}

/** Spans kept of one unsampled trace until it is over here; an event has some twenty statements. */
const SPANS_OF_TRACE_MAX = 128;

/** Unsampled traces kept at once: more than a process has events and requests in hand. */
const TRACES_MAX = 4_096;

interface Unsampled {
  open: number;
  hasFailed: boolean;
  readonly spans: ReadableSpan[];
}

/**
 * Passes on what is sampled, and the unsampled traces in which something failed
 * in this process, once their last span here has ended. What another process
 * recorded of such a trace is its own to keep: it did not know.
 */
export function keepErrors(next: SpanProcessor): SpanProcessor {
  const traces = new Map<string, Unsampled>();
  return {
    onStart: (span, parentContext) => {
      next.onStart(span, parentContext);
      const { traceId, traceFlags } = span.spanContext();
      if (isSampled(traceFlags)) return;
      const known = traces.get(traceId);
      if (known !== undefined) known.open += 1;
      else if (traces.size < TRACES_MAX) traces.set(traceId, { open: 1, hasFailed: false, spans: [] });
    },
    onEnd: (span) => {
      const { traceId, traceFlags } = span.spanContext();
      if (isSampled(traceFlags)) return next.onEnd(span);
      const unsampled = traces.get(traceId);
      if (unsampled === undefined) return;
      unsampled.open -= 1;
      unsampled.hasFailed ||= span.status.code === SpanStatusCode.ERROR;
      // What ends last encloses the others and has to be among those that are kept.
      if (unsampled.spans.length < SPANS_OF_TRACE_MAX || unsampled.open === 0) unsampled.spans.push(span);
      if (unsampled.open > 0) return;
      traces.delete(traceId);
      if (unsampled.hasFailed) for (const kept of unsampled.spans) next.onEnd(asSampled(kept));
    },
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  };
}

function isSampled(flags: number): boolean {
  return (flags & TraceFlags.SAMPLED) !== 0;
}

/** The processor behind passes on only what bears the mark. */
function asSampled(span: ReadableSpan): ReadableSpan {
  const sampled = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED };
  return Object.create(span, { spanContext: { value: () => sampled } });
}
