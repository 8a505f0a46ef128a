import type { Declare } from './declare.ts';

/** Our own event, sent every minute through the public port by the worker that CANARY_URL names. */
export function canaryMetrics(declare: Declare) {
  return {
    canaries: declare.counter({
      name: 'penstock_canaries_total',
      help: 'Canaries sent through the public port, by whether their row was finished within 30 s.',
      labels: { outcome: 'arrived, lost' },
      serves: 'SLO: canary',
    }),
    canarySince: declare.gauge({
      name: 'penstock_canary_since_timestamp_seconds',
      help: 'Since when this process sends canaries, in Unix seconds; absent where it sends none.',
      labels: {},
      serves: 'SLO: canary; alert CanaryFailing, which knows by it that one was to arrive',
    }),
    canaryLastSuccess: declare.gauge({
      name: 'penstock_canary_last_success_timestamp_seconds',
      help: 'When a canary last arrived, in Unix seconds; absent where none has.',
      labels: {},
      serves: 'SLO: canary; alert CanaryFailing',
    }),
    canaryRoundTrip: declare.gauge({
      name: 'penstock_canary_round_trip_seconds',
      help: 'How long the last canary that arrived took from its sending to its finished row.',
      labels: {},
      serves: 'SLO: canary',
    }),
  };
}
