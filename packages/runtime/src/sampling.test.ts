import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { samplerOf, samplingOf, type Sampling } from './sampling.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';

/** How many of so many traces are kept that begin here, or were begun elsewhere and kept there or not. */
function keptOf(sampling: Sampling, count: number, isParentSampled?: boolean): number {
  return Array.from({ length: count }, () => sampling({ traceId, isParentSampled })).filter(Boolean).length;
}

describe('where nothing is said, traces', () => {
  test('are kept, all of them, up to fifty a second; the next second as many again', () => {
    let now = 0;
    const sampling = samplingOf({ sampler: 'parentbased_ratelimited', samplerArg: undefined }, () => now);
    expect(keptOf(sampling, 1_000)).toBe(50);
    now += 100;
    expect(keptOf(sampling, 1_000)).toBe(5);
    now += 60_000;
    expect(keptOf(sampling, 1_000)).toBe(50);
  });

  test('that were begun elsewhere are kept as their beginner decided', () => {
    const sampling = samplingOf({ sampler: 'parentbased_ratelimited', samplerArg: '1' }, () => 0);
    expect(keptOf(sampling, 10, true)).toBe(10);
    expect(keptOf(sampling, 10, false)).toBe(0);
  });
});

test('the number of traces a second can be given; less than one is one at a time, and 0 is none', () => {
  let now = 0;
  const clock = (): number => now;
  const some = samplingOf({ sampler: 'ratelimited', samplerArg: '3' }, clock);
  const few = samplingOf({ sampler: 'ratelimited', samplerArg: '.5' }, clock);
  const none = samplingOf({ sampler: 'ratelimited', samplerArg: '0' }, clock);
  expect([some, few, none].map((sampling) => keptOf(sampling, 10))).toEqual([3, 1, 0]);
  now += 2_000;
  expect([some, few, none].map((sampling) => keptOf(sampling, 10))).toEqual([3, 1, 0]);
});

test('a share is all of them unless given', () => {
  expect(keptOf(samplingOf({ sampler: 'traceidratio', samplerArg: undefined }), 10)).toBe(10);
  expect(keptOf(samplingOf({ sampler: 'traceidratio', samplerArg: '0' }), 10)).toBe(0);
});

test.each([
  { sampler: 'always_on', alone: 10, unsampledParent: 10 },
  { sampler: 'always_off', alone: 0, unsampledParent: 0 },
  { sampler: 'parentbased_always_on', alone: 10, unsampledParent: 0 },
  { sampler: 'parentbased_always_off', alone: 0, unsampledParent: 0 },
  { sampler: 'parentbased_traceidratio', alone: 10, unsampledParent: 0 },
] as const)('$sampler keeps what its name says', ({ sampler, alone, unsampledParent }) => {
  const sampling = samplingOf({ sampler, samplerArg: undefined });
  expect(keptOf(sampling, 10)).toBe(alone);
  expect(keptOf(sampling, 10, false)).toBe(unsampledParent);
  expect(keptOf(sampling, 10, true)).toBe(sampler === 'always_off' ? 0 : 10);
});

test('OpenTelemetry’s own SDK samples the same, with the context that it is given', () => {
  const sampler = samplerOf(samplingOf({ sampler: 'parentbased_always_off', samplerArg: undefined }));
  const within = (traceFlags: TraceFlags) =>
    trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags, isRemote: true });
  const decisions = [ROOT_CONTEXT, within(TraceFlags.NONE), within(TraceFlags.SAMPLED)].map(
    (around) => sampler.shouldSample(around, traceId, 'a trace', SpanKind.SERVER, {}, []).decision,
  );
  expect(decisions).toEqual([
    SamplingDecision.NOT_RECORD,
    SamplingDecision.NOT_RECORD,
    SamplingDecision.RECORD_AND_SAMPLED,
  ]);
});
