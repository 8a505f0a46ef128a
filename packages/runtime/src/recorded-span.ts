import {
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type HrTime,
  type SpanContext,
} from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { maskText } from '@penstock/core/masking/mask-text';
import type { SpanAttributes, SpanStart } from './tracing.ts';

/** What one process knows of one trace, until the last of its spans here is over. */
export interface LocalTrace {
  readonly traceId: string;
  readonly isSampled: boolean;
  open: number;
  hasFailed: boolean;
  readonly spans: RecordedSpan[];
}

/**
 * A span as it is taken down: what was said of it and when, and no more. An
 * SDK's span costs ten times as much, and most of them are dropped.
 */
export interface RecordedSpan {
  readonly trace: LocalTrace;
  readonly spanId: string;
  readonly parent: { readonly spanId: string; readonly isRemote: boolean } | undefined;
  readonly start: SpanStart;
  readonly startMs: number;
  endMs: number;
  /** In the order they were set; later ones win. */
  readonly attributes: SpanAttributes[];
  failure: SpanFailure | undefined;
}

export interface SpanFailure {
  /** An error's code. */
  readonly type: string;
  readonly message: string | undefined;
}

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** Far above any value of ours; a type or an id from outside may be longer. */
const ATTRIBUTE_CHARACTERS_MAX = 512;

/** As the exporter takes it, masked. Everything that is exported is marked as sampled: receivers drop what is not. */
export function readableSpan(
  span: RecordedSpan,
  of: Pick<ReadableSpan, 'resource' | 'instrumentationScope'>,
): ReadableSpan {
  const { trace, spanId, parent, start, failure, startMs, endMs } = span;
  const context: SpanContext = { traceId: trace.traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  return {
    name: start.name,
    kind: kinds[start.kind],
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: { ...context, ...parent } }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    ended: true,
    status:
      failure === undefined
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: shown(failure.message ?? '') },
    attributes: attributesOf(span),
    links: [],
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...of,
  };
}

function attributesOf({ start, attributes, failure }: RecordedSpan): Attributes {
  const told: Attributes = {};
  for (const part of [start.attributes, ...attributes]) {
    if (part === undefined) continue;
    for (const name in part) {
      const value = part[name];
      if (value !== undefined) told[name] = typeof value === 'string' ? shown(value) : value;
    }
  }
  if (failure !== undefined) told['error.type'] = shown(failure.type);
  return told;
}

function shown(text: string): string {
  const masked = maskText(text);
  return masked.length > ATTRIBUTE_CHARACTERS_MAX ? masked.slice(0, ATTRIBUTE_CHARACTERS_MAX) : masked;
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
}
