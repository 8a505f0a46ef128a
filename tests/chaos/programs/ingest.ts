import { randomUUID } from 'node:crypto';
import { ingest } from '@penstock/ingest/ingest';
import { runProcess } from '@penstock/runtime/lifecycle';
import { obeyHarness } from './obey-harness.ts';

obeyHarness();
await runProcess((scope) => ingest({ environment: process.env, now: () => new Date(), newId: randomUUID }, scope));
