import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { TelemetrySettings } from './telemetry.ts';

/** Enough to see every kind of event within seconds; what it costs does not grow with the load. */
const TRACES_PER_SECOND = 50;

/** The sampler that the settings name; what fails is exported whatever it says. */
export function samplerOf(
  { sampler, samplerArg }: Pick<TelemetrySettings, 'sampler' | 'samplerArg'>,
  clock: () => number = () => performance.now(),
): Sampler {
  const limited = (): Sampler => limitTraces(Number(samplerArg ?? TRACES_PER_SECOND), clock);
  const share = (): Sampler => new TraceIdRatioBasedSampler(Number(samplerArg ?? 1));
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return share();
    case 'ratelimited':
      return limited();
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: share() });
    case 'parentbased_ratelimited':
      return new ParentBasedSampler({ root: limited() });
  }
}

/**
 * Keeps every trace while there are few, and so many a second where there are
 * more: a token bucket that holds a second's. The clock tells milliseconds and
 * never goes back.
 */
function limitTraces(perSecond: number, clock: () => number): Sampler {
  const most = perSecond > 0 ? Math.max(1, perSecond) : 0;
  let tokens = most;
  let at = clock();
  return {
    shouldSample: () => {
      const now = clock();
      tokens = Math.min(most, tokens + ((now - at) / 1_000) * perSecond);
      at = now;
      if (tokens < 1) return { decision: SamplingDecision.NOT_RECORD };
      tokens -= 1;
      return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    },
    toString: () => `RateLimited{${perSecond}}`,
  };
}
