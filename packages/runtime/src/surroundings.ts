import { AsyncLocalStorage } from 'node:async_hooks';
import {
  createContextKey,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Context,
  type ContextManager,
  type SpanContext,
} from '@opentelemetry/api';
import type { RecordedSpan } from './recorded-span.ts';

/** What surrounds the work under way: a span of ours, or a context that a library made, which may be inside one. */
type Surroundings = RecordedSpan | { readonly context: Context };

/** Where work is, kept through everything it awaits. */
export interface Contexts {
  /** The innermost span of ours around the work under way, and what is the parent of a span begun now. */
  readonly around: () => { readonly span: RecordedSpan | undefined; readonly parent: SpanContext | undefined };
  /** The innermost span of ours alone: a look at one field, for what is asked of every statement. */
  readonly span: () => RecordedSpan | undefined;
  readonly within: <Result>(span: RecordedSpan, work: () => Result) => Result;
  /** For OpenTelemetry's interface, so that libraries' spans become parts of ours, and ours of theirs. */
  readonly manager: ContextManager;
}

const current = createContextKey('the span under way');

/**
 * Contexts of OpenTelemetry's are chains of maps. Of our own spans none is made
 * unless a library asks for it: most traces are not kept.
 */
export function openContexts(): Contexts {
  const storage = new AsyncLocalStorage<Surroundings>();
  const span = (): RecordedSpan | undefined => {
    const surroundings = storage.getStore();
    if (surroundings === undefined || !('context' in surroundings)) return surroundings;
    return spanIn(surroundings.context);
  };
  const active = (): Context => {
    const surroundings = storage.getStore();
    if (surroundings === undefined) return ROOT_CONTEXT;
    return 'context' in surroundings ? surroundings.context : contextOf(surroundings);
  };
  const run = <Result>(context: Context, work: () => Result): Result => storage.run({ context }, work);
  const manager: ContextManager = {
    active,
    with: (context, work, receiver, ...args) => run(context, () => Reflect.apply(work, receiver, args)),
    bind: (context, target) =>
      typeof target === 'function'
        ? new Proxy(target, {
            apply: (work, receiver, args) => run(context, () => Reflect.apply(work, receiver, args)),
          })
        : target,
    enable: () => manager,
    disable: () => {
      storage.disable();
      return manager;
    },
  };
  return {
    span,
    around: () => {
      const surroundings = storage.getStore();
      if (surroundings === undefined) return { span: undefined, parent: undefined };
      if (!('context' in surroundings)) return { span: surroundings, parent: spanContextOf(surroundings) };
      return { span: spanIn(surroundings.context), parent: trace.getSpanContext(surroundings.context) };
    },
    within: (inner, work) => storage.run(inner, work),
    manager,
  };
}

function contextOf(span: RecordedSpan): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(span)).setValue(current, span);
}

function spanContextOf({ trace: { traceId, isSampled }, spanId }: RecordedSpan): SpanContext {
  return { traceId, spanId, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
}

function spanIn(context: Context): RecordedSpan | undefined {
  const span: unknown = context.getValue(current);
  return isRecorded(span) ? span : undefined;
}

/** Nobody else can set this key. */
function isRecorded(span: unknown): span is RecordedSpan {
  return span !== undefined;
}
