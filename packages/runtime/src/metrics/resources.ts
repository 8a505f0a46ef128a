import type { Declare } from './declare.ts';

/** What the processes run on. Everything here is read when Prometheus asks, and costs no look at a table. */
export function resourceMetrics(declare: Declare) {
  return {
    buildInfo: declare.gauge({
      name: 'penstock_build_info',
      help: 'Always 1; the labels say what runs.',
      labels: { version: "the package's version", commit: 'GIT_COMMIT, unknown', node: 'the version of Node' },
      serves: 'Workers and resources: what runs',
    }),
    queueDepth: declare.gauge({
      name: 'penstock_queue_jobs',
      help: 'Jobs in the queue by state; failed is the dead-letter queue.',
      labels: { state: 'waiting, active, delayed, completed, failed' },
      serves: 'Webhook path: backlog; Dead letters: standing; alert DeadLettersGrowing',
    }),
  };
}
