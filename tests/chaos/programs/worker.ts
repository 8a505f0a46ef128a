import { randomUUID } from 'node:crypto';
import { runProcess } from '@penstock/runtime/lifecycle';
import { worker } from '@penstock/worker/worker';
import { obeyHarness } from './obey-harness.ts';

obeyHarness();
await runProcess((scope) => worker({ environment: process.env, now: () => new Date(), newId: randomUUID }, scope));
