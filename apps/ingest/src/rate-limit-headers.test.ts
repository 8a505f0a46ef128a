import { expect, test } from 'vitest';
import { rateLimitHeaders } from './rate-limit-headers.ts';

test('a sender is told its quota and when to come back, never sooner than it may', () => {
  const limit = { perSecond: 30, burst: 100 };
  expect(rateLimitHeaders({ limit, remaining: 7, fullMs: 3_001, waitMs: 0 })).toEqual({
    'ratelimit-policy': '"endpoint";q=100;w=4',
    ratelimit: '"endpoint";r=7;t=4',
  });
  expect(rateLimitHeaders({ limit, remaining: 0, fullMs: 3_334, waitMs: 34 })).toMatchObject({
    ratelimit: '"endpoint";r=0;t=4',
    'retry-after': '1',
  });
});
