import * as z from 'zod';
import { takeWebhooks } from './take-webhooks.ts';

const [redisUrl, concurrency] = z.tuple([z.string(), z.coerce.number()]).parse(process.argv.slice(2, 4));

// BullMQ alone, doing nothing with what it takes: no worker that finishes each job by a call of BullMQ's is faster.
await takeWebhooks(async () => undefined, { redisUrl, concurrency });
