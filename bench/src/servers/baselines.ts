/**
 * The servers that ours is measured against, each one step more than the one before; straightforward code. The last is
 * no rival: it queues as ours does and has nothing of the rest, so that it says what the rest costs.
 */
export const baselines = ['node-http', 'hono', 'hono-hmac', 'hono-hmac-xadd', 'hono-bullmq', 'hono-grouped'] as const;
export type Baseline = (typeof baselines)[number];
