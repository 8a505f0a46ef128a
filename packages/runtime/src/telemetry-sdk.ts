import { context, trace, TraceFlags, type SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import { toFailure } from '@penstock/core/failure';
import { readableSpan, type LocalTrace, type RecordedSpan, type SpanFailure } from './recorded-span.ts';
import { samplerOf, samplingOf } from './sampling.ts';
import { openContexts } from './surroundings.ts';
import type { TelemetrySettings } from './telemetry.ts';
import { readTraceparent } from './trace-context.ts';
import type { OpenSpan, SpanAttributes, SpanStart, Tracing } from './tracing.ts';

/** Spans taken down of one trace in one process; an event has some twenty statements, a rebuild has thousands. */
const SPANS_OF_TRACE_MAX = 512;

/**
 * Tracing that records. Loaded only where a collector's address is given. Spans
 * are taken down as they happen and made into OpenTelemetry's only when their
 * trace is over here and is to be exported: because it is sampled, or because
 * something in it failed. Of a trace that is not sampled only its outermost span
 * here is taken down, and what failed in it. Registers itself with @opentelemetry/api, so that the
 * spans of a handler's own libraries become parts of the event's.
 */
export function startTelemetry(options: {
  readonly process: string;
  readonly version: string;
  readonly settings: TelemetrySettings;
  readonly endpoint: string;
}): Tracing {
  const { settings } = options;
  const Exporter = settings.protocol === 'http/json' ? JsonExporter : ProtobufExporter;
  const batches = new BatchSpanProcessor({
    exporter: new Exporter({ url: options.endpoint, headers: { ...settings.headers, ...settings.tracesHeaders } }),
    scheduledDelayMillis: settings.scheduleDelayMs,
    maxQueueSize: settings.queueSizeMax,
  });
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.version': options.version }))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': settings.serviceName ?? `penstock-${options.process}` }));
  const sampling = samplingOf(settings);
  const provider = new TracerProvider({ resource, sampler: samplerOf(sampling), spanProcessors: [batches] });
  const contexts = openContexts();
  context.setGlobalContextManager(contexts.manager);
  trace.setGlobalTracerProvider(provider);
  const ids = new RandomIdGenerator();
  const instrumentationScope = { name: 'penstock', version: options.version };

  const begin = (start: SpanStart, startMs: number): RecordedSpan => {
    const given = readTraceparent(start.parent);
    const { span: around, parent } =
      given === undefined ? contexts.around() : { span: undefined, parent: remoteParent(given) };
    const local = around?.trace ?? beginTrace(parent);
    local.open += 1;
    return {
      trace: local,
      spanId: ids.generateSpanId(),
      parent: parent === undefined ? undefined : { spanId: parent.spanId, isRemote: parent.isRemote === true },
      start,
      startMs,
      endMs: startMs,
      attributes: [],
      failure: undefined,
    };
  };

  const beginTrace = (parent: { readonly traceId: string; readonly traceFlags: number } | undefined): LocalTrace => {
    const traceId = parent?.traceId ?? ids.generateTraceId();
    const isParentSampled = parent === undefined ? undefined : (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
    return { traceId, isSampled: sampling({ traceId, isParentSampled }), open: 0, hasFailed: false, spans: [] };
  };

  const end = (span: RecordedSpan, endMs: number): void => {
    const { trace: local } = span;
    span.endMs = endMs;
    local.open -= 1;
    // What ends last encloses the others and has to be among those that are kept.
    if (local.spans.length < SPANS_OF_TRACE_MAX || local.open === 0) local.spans.push(span);
    if (local.open > 0 || !(local.isSampled || local.hasFailed)) return;
    for (const ended of local.spans) batches.onEnd(readableSpan(ended, { resource, instrumentationScope }));
  };

  const recorded = async <Result>(start: SpanStart, work: (span: OpenSpan) => Promise<Result>): Promise<Result> => {
    const span = begin(start, now());
    try {
      return await contexts.within(span, () => work(open(span)));
    } catch (error) {
      const { code, message } = toFailure(error);
      fail(span, code, message);
      throw error;
    } finally {
      end(span, now());
    }
  };

  /** Inside a trace that is not sampled: nothing, unless it fails. What is in it is told as a part of the span around it. */
  const unsampled = async <Result>(
    around: RecordedSpan,
    { start, work }: { readonly start: SpanStart; readonly work: (span: OpenSpan) => Promise<Result> },
  ): Promise<Result> => {
    const startMs = now();
    const attributes: SpanAttributes[] = [];
    const tell = ({ type, message }: SpanFailure): void => {
      const span = begin({ ...start, parent: undefined }, startMs);
      span.attributes.push(...attributes);
      fail(span, type, message);
      end(span, now());
    };
    let failure: SpanFailure | undefined;
    try {
      return await work({
        traceparent: traceparentOf(around),
        set: (told) => void attributes.push(told),
        fail: (type, message) => {
          failure = { type, message };
        },
      });
    } catch (error) {
      const { code, message } = toFailure(error);
      failure = { type: code, message };
      throw error;
    } finally {
      if (failure !== undefined) tell(failure);
    }
  };

  return {
    isOn: true,
    isRecording: () => contexts.span()?.trace.isSampled === true,
    span: (start, work) => {
      const around = start.parent === undefined ? contexts.span() : undefined;
      return around === undefined || around.trace.isSampled
        ? recorded(start, work)
        : unsampled(around, { start, work });
    },
    ended: ({ durationMs, errorType, ...start }) => {
      const around = contexts.span();
      // Of a trace that goes out only because something failed, what went well tells too little for its cost: some twenty
      // statements an event.
      if (around === undefined || (!around.trace.isSampled && errorType === undefined)) return;
      const endMs = now();
      const span = begin(start, endMs - durationMs);
      if (errorType !== undefined) fail(span, errorType);
      end(span, endMs);
    },
    [Symbol.asyncDispose]: async () => {
      // A collector that is away keeps no process from stopping, and no span is worth an error.
      await provider.shutdown().catch(() => undefined);
      trace.disable();
      context.disable();
    },
  };
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

function remoteParent(traceparent: string): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function open(span: RecordedSpan): OpenSpan {
  return {
    traceparent: traceparentOf(span),
    set: (attributes) => void span.attributes.push(attributes),
    fail: (type, message) => fail(span, type, message),
  };
}

function traceparentOf({ trace: { traceId, isSampled }, spanId }: RecordedSpan): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

function fail(span: RecordedSpan, type: string, message?: string): void {
  span.failure = { type, message };
  span.trace.hasFailed = true;
}
