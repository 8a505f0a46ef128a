import { newTraceparent } from './trace-context.ts';

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span that is about to begin. Names and attributes follow OpenTelemetry's semantic conventions. */
export interface SpanStart {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** The caller's context, where it came from another process; else the span around this one is its parent. */
  readonly parent?: string | undefined;
  readonly attributes?: SpanAttributes;
}

/** A span under way. */
export interface OpenSpan {
  /** To be handed on, so that what follows elsewhere belongs to this. */
  readonly traceparent: string;
  readonly set: (attributes: SpanAttributes) => void;
  /** Marks the span as failed: it is exported whatever the sampling says. `type` is an error's code. */
  readonly fail: (type: string, message?: string) => void;
}

/** Work that is over and was timed by somebody else, such as a statement. */
export interface EndedSpan extends SpanStart {
  readonly durationMs: number;
  readonly errorType?: string | undefined;
}

/**
 * Where spans go. Off, it keeps or makes trace ids and costs nothing else;
 * telemetry.ts opens it. Texts in attributes are masked (docs/PRIVACY.md).
 */
export interface Tracing extends AsyncDisposable {
  readonly isOn: boolean;
  /** Whether what goes well in the work under way will be seen: it is in a trace that is sampled. */
  readonly isRecording: () => boolean;
  /** Runs the work inside a span. What it throws marks the span as failed and is thrown on. */
  readonly span: <Result>(start: SpanStart, work: (span: OpenSpan) => Promise<Result>) => Promise<Result>;
  /** Tells of work that is over, as a part of the span it happened in; of nothing where it happened in none. */
  readonly ended: (span: EndedSpan) => void;
}

const nothing = (): void => undefined;

/** Records nothing. A context that came from elsewhere is handed on as it is. */
export const untraced: Tracing = {
  isOn: false,
  isRecording: () => false,
  span: ({ parent }, work) => work({ traceparent: parent ?? newTraceparent(), set: nothing, fail: nothing }),
  ended: nothing,
  [Symbol.asyncDispose]: async () => undefined,
};
