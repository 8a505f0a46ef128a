/** The servers that ours is measured against, each one step more than the one before; straightforward code. */
export const baselines = ['node-http', 'hono', 'hono-hmac', 'hono-hmac-xadd', 'hono-bullmq'] as const;
export type Baseline = (typeof baselines)[number];
