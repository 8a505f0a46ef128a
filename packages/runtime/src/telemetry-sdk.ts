import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { maskText } from '@penstock/core/masking/mask-text';
import { toFailure } from '@penstock/core/failure';
import { keepErrors, samplerOf } from './sampling.ts';
import type { TelemetrySettings } from './telemetry.ts';
import { newTraceparent, readTraceparent } from './trace-context.ts';
import type { OpenSpan, SpanAttributes, SpanStart, Tracing } from './tracing.ts';

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** Far above any value of ours; a type or an id from outside may be longer. */
const ATTRIBUTE_CHARACTERS_MAX = 512;

/**
 * Tracing that records. Loaded only where a collector's address is given. It
 * registers itself with @opentelemetry/api, so that the spans of a handler's own
 * libraries become parts of the event's.
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
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.version': options.version }))
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ 'service.name': settings.serviceName ?? `penstock-${options.process}` })),
    sampler: samplerOf(settings),
    spanLimits: { attributeValueLengthLimit: ATTRIBUTE_CHARACTERS_MAX },
    spanProcessors: [keepErrors(batches)],
  });
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer('penstock', options.version);

  return {
    isOn: true,
    span: async (start, work) => {
      const span = tracer.startSpan(
        start.name,
        { kind: kinds[start.kind], attributes: masked(start.attributes) },
        parentOf(start),
      );
      try {
        return await contexts.with(trace.setSpan(contexts.active(), span), () => work(open(span)));
      } catch (error) {
        const { code, message } = toFailure(error);
        fail(span, code, message);
        throw error;
      } finally {
        span.end();
      }
    },
    ended: (ended) => {
      if (trace.getSpan(contexts.active()) === undefined) return;
      const endTime = Date.now();
      const { name, kind, attributes, errorType, durationMs } = ended;
      const span = tracer.startSpan(name, {
        kind: kinds[kind],
        attributes: masked(attributes),
        startTime: endTime - durationMs,
      });
      if (errorType !== undefined) fail(span, errorType);
      span.end(endTime);
    },
    [Symbol.asyncDispose]: async () => {
      // A collector that is away keeps no process from stopping, and no span is worth an error.
      await provider.shutdown().catch(() => undefined);
      trace.disable();
      context.disable();
    },
  };

  function parentOf({ parent }: SpanStart): Context {
    const given = readTraceparent(parent);
    if (given === undefined) return contexts.active();
    const [, traceId = '', spanId = '', flags = '00'] = given.split('-');
    const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
    return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
  }
}

function open(span: Span): OpenSpan {
  return {
    get traceparent() {
      const { traceId, spanId, traceFlags } = span.spanContext();
      return readTraceparent(`00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`) ?? newTraceparent();
    },
    set: (attributes) => void span.setAttributes(masked(attributes)),
    fail: (type, message) => fail(span, type, message),
  };
}

function fail(span: Span, type: string, message?: string): void {
  span.setAttribute('error.type', maskText(type));
  span.setStatus({
    code: SpanStatusCode.ERROR,
    ...(message === undefined ? {} : { message: maskText(message).slice(0, ATTRIBUTE_CHARACTERS_MAX) }),
  });
}

function masked(attributes: SpanAttributes = {}): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? maskText(value) : value]],
    ),
  );
}
