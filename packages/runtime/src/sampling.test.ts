import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { SamplingDecision, type Sampler } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { samplerOf } from './sampling.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';

/** How many of so many traces that begin here, or elsewhere with these flags, are kept. */
function keptOf(sampler: Sampler, count: number, flags?: TraceFlags): number {
  const around =
    flags === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags: flags, isRemote: true });
  return Array.from({ length: count }, () =>
    sampler.shouldSample(around, traceId, 'a trace', SpanKind.SERVER, {}, []),
  ).filter(({ decision }) => decision === SamplingDecision.RECORD_AND_SAMPLED).length;
}

describe('where nothing is said, traces', () => {
  test('are kept, all of them, up to fifty a second; the next second as many again', () => {
    let now = 0;
    const sampler = samplerOf({ sampler: 'parentbased_ratelimited', samplerArg: undefined }, () => now);
    expect(keptOf(sampler, 1_000)).toBe(50);
    now += 100;
    expect(keptOf(sampler, 1_000)).toBe(5);
    now += 60_000;
    expect(keptOf(sampler, 1_000)).toBe(50);
  });

  test('that were begun elsewhere are kept as their beginner decided', () => {
    const sampler = samplerOf({ sampler: 'parentbased_ratelimited', samplerArg: '1' }, () => 0);
    expect(keptOf(sampler, 10, TraceFlags.SAMPLED)).toBe(10);
    expect(keptOf(sampler, 10, TraceFlags.NONE)).toBe(0);
  });
});

test('the number of traces a second can be given; less than one is one at a time, and 0 is none', () => {
  let now = 0;
  const clock = (): number => now;
  const some = samplerOf({ sampler: 'ratelimited', samplerArg: '3' }, clock);
  const few = samplerOf({ sampler: 'ratelimited', samplerArg: '.5' }, clock);
  const none = samplerOf({ sampler: 'ratelimited', samplerArg: '0' }, clock);
  expect([some, few, none].map((sampler) => keptOf(sampler, 10))).toEqual([3, 1, 0]);
  now += 2_000;
  expect([some, few, none].map((sampler) => keptOf(sampler, 10))).toEqual([3, 1, 0]);
});

test('a share is all of them unless given', () => {
  expect(keptOf(samplerOf({ sampler: 'traceidratio', samplerArg: undefined }), 10)).toBe(10);
  expect(keptOf(samplerOf({ sampler: 'traceidratio', samplerArg: '0' }), 10)).toBe(0);
});
