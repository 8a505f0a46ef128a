import { randomUUID } from 'node:crypto';
import { ingest } from './ingest.ts';
import { runProcess } from '@penstock/runtime/lifecycle';

await runProcess((scope) => ingest({ environment: process.env, now: () => new Date(), newId: randomUUID }, scope));
