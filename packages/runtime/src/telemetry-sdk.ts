import { context, createContextKey, ROOT_CONTEXT, trace, TraceFlags, type Context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, RandomIdGenerator, SamplingDecision, TracerProvider } from '@opentelemetry/sdk-trace';
import { SpanKind } from '@opentelemetry/api';
import { toFailure } from '@penstock/core/failure';
import { readableSpan, type LocalTrace, type RecordedSpan } from './recorded-span.ts';
import { samplerOf } from './sampling.ts';
import type { TelemetrySettings } from './telemetry.ts';
import { readTraceparent } from './trace-context.ts';
import type { OpenSpan, SpanStart, Tracing } from './tracing.ts';

/** Spans taken down of one trace in one process; an event has some twenty statements, a rebuild has thousands. */
const SPANS_OF_TRACE_MAX = 512;

const current = createContextKey('the span under way');

/**
 * Tracing that records. Loaded only where a collector's address is given. Spans
 * are taken down as they happen and made into OpenTelemetry's only when their
 * trace is over here and is to be exported: because it is sampled, or because
 * something in it failed. Registers itself with @opentelemetry/api, so that the
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
    exporter: new Exporter({ url: options.endpoint }),
    scheduledDelayMillis: settings.scheduleDelayMs,
    maxQueueSize: settings.queueSizeMax,
  });
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.version': options.version }))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': settings.serviceName ?? `penstock-${options.process}` }));
  const sampler = samplerOf(settings);
  const provider = new TracerProvider({ resource, sampler, spanProcessors: [batches] });
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  trace.setGlobalTracerProvider(provider);
  const ids = new RandomIdGenerator();
  const instrumentationScope = { name: 'penstock', version: options.version };

  const begin = (start: SpanStart, startMs: number): { readonly span: RecordedSpan; readonly outer: Context } => {
    const given = readTraceparent(start.parent);
    const active = contexts.active();
    const around = given === undefined ? recordedIn(active) : undefined;
    const outer = given === undefined ? active : remote(given);
    const parentContext = trace.getSpanContext(outer);
    const local = around?.trace ?? begunTrace(outer, start.name, parentContext?.traceId);
    local.open += 1;
    const span: RecordedSpan = {
      trace: local,
      spanId: ids.generateSpanId(),
      parent:
        parentContext === undefined
          ? undefined
          : { spanId: parentContext.spanId, isRemote: parentContext.isRemote === true },
      start,
      startMs,
      endMs: startMs,
      attributes: [],
      failure: undefined,
    };
    return { span, outer };
  };

  const begunTrace = (outer: Context, name: string, known: string | undefined): LocalTrace => {
    const traceId = known ?? ids.generateTraceId();
    const { decision } = sampler.shouldSample(outer, traceId, name, SpanKind.INTERNAL, {}, []);
    const isSampled = decision === SamplingDecision.RECORD_AND_SAMPLED;
    return { traceId, isSampled, open: 0, hasFailed: false, spans: [] };
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

  return {
    isOn: true,
    span: async (start, work) => {
      const { span, outer } = begin(start, now());
      const inner = trace.setSpanContext(outer, {
        traceId: span.trace.traceId,
        spanId: span.spanId,
        traceFlags: span.trace.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
      });
      try {
        return await contexts.with(inner.setValue(current, span), () => work(open(span)));
      } catch (error) {
        const { code, message } = toFailure(error);
        fail(span, code, message);
        throw error;
      } finally {
        end(span, now());
      }
    },
    ended: ({ durationMs, errorType, ...start }) => {
      const around = recordedIn(contexts.active());
      // Of a trace that goes out only because something failed, what went well tells too little for its cost: some twenty
      // statements an event.
      if (around === undefined || (!around.trace.isSampled && errorType === undefined)) return;
      const endMs = now();
      const { span } = begin(start, endMs - durationMs);
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

function remote(traceparent: string): Context {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function recordedIn(active: Context): RecordedSpan | undefined {
  const span: unknown = active.getValue(current);
  return isRecorded(span) ? span : undefined;
}

/** Nobody else can set this key. */
function isRecorded(span: unknown): span is RecordedSpan {
  return span !== undefined;
}

function open(span: RecordedSpan): OpenSpan {
  const { trace: local, spanId } = span;
  return {
    traceparent: `00-${local.traceId}-${spanId}-${local.isSampled ? '01' : '00'}`,
    set: (attributes) => void span.attributes.push(attributes),
    fail: (type, message) => fail(span, type, message),
  };
}

function fail(span: RecordedSpan, type: string, message?: string): void {
  span.failure = { type, message };
  span.trace.hasFailed = true;
}
