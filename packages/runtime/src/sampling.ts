import { ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler, type Sampler } from '@opentelemetry/sdk-trace';
import type { TelemetrySettings } from './telemetry.ts';

/** Enough to see every kind of event within seconds; what it costs does not grow with the load. */
const TRACES_PER_SECOND = 50;

/** Whether a trace that begins in this process is kept. `isParentSampled` is what its caller decided, where there is one. */
export type Sampling = (begun: { readonly traceId: string; readonly isParentSampled: boolean | undefined }) => boolean;

/** How traces are sampled as the settings name it; what fails is exported whatever it says. */
export function samplingOf(
  { sampler, samplerArg }: Pick<TelemetrySettings, 'sampler' | 'samplerArg'>,
  clock: () => number = () => performance.now(),
): Sampling {
  const limited = (): Sampling => limitTraces(Number(samplerArg ?? TRACES_PER_SECOND), clock);
  const share = (): Sampling => keepShare(Number(samplerArg ?? 1));
  switch (sampler) {
    case 'always_on':
      return () => true;
    case 'always_off':
      return () => false;
    case 'traceidratio':
      return share();
    case 'ratelimited':
      return limited();
    case 'parentbased_always_on':
      return asParentElse(() => true);
    case 'parentbased_always_off':
      return asParentElse(() => false);
    case 'parentbased_traceidratio':
      return asParentElse(share());
    case 'parentbased_ratelimited':
      return asParentElse(limited());
  }
}

/** The same for OpenTelemetry's own SDK: of the traces that a handler's libraries begin outside any span of ours. */
export function samplerOf(sampling: Sampling): Sampler {
  return {
    shouldSample: (context, traceId) => {
      const flags = trace.getSpanContext(context)?.traceFlags;
      const isParentSampled = flags === undefined ? undefined : (flags & TraceFlags.SAMPLED) !== 0;
      const isKept = sampling({ traceId, isParentSampled });
      return { decision: isKept ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
    },
    toString: () => 'Penstock',
  };
}

function asParentElse(root: Sampling): Sampling {
  return (begun) => begun.isParentSampled ?? root(begun);
}

function keepShare(share: number): Sampling {
  const sampler = new TraceIdRatioBasedSampler(share);
  return ({ traceId }) => sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
}

/**
 * Keeps every trace while there are few, and so many a second where there are
 * more: a token bucket that holds a second's. The clock tells milliseconds and
 * never goes back.
 */
function limitTraces(perSecond: number, clock: () => number): Sampling {
  const most = perSecond > 0 ? Math.max(1, perSecond) : 0;
  let tokens = most;
  let at = clock();
  return () => {
    const now = clock();
    tokens = Math.min(most, tokens + ((now - at) / 1_000) * perSecond);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
