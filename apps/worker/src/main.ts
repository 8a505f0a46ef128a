import { randomUUID } from 'node:crypto';
import { runProcess } from '@penstock/runtime/lifecycle';
import { worker } from './worker.ts';

await runProcess((scope) => worker({ environment: process.env, now: () => new Date(), newId: randomUUID }, scope));
