import { randomUUID } from 'node:crypto';
import { runProcess } from '@penstock/runtime/lifecycle';
import { mayStart } from '@penstock/runtime/process-arguments';
import { workerSettings } from './config.ts';
import { worker } from './worker.ts';

if (
  mayStart(process.argv.slice(2), {
    name: 'worker',
    does: 'Takes webhooks from the queue and applies each to the ledger, exactly once.',
    settings: workerSettings,
  })
)
  await runProcess((scope) => worker({ environment: process.env, now: () => new Date(), newId: randomUUID }, scope));
