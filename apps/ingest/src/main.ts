import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runProcess } from '@penstock/runtime/lifecycle';
import { mayStart } from '@penstock/runtime/process-arguments';
import { ingestSettings } from './config.ts';
import { ingest } from './ingest.ts';

// What lives as long as a request V8 would allocate in the old generation once, under load, enough of it has outlived a
// collection: from then on every request is moved there, and pauses are of 9 ms in place of 2 (docs/decisions/0037).
setFlagsFromString('--no-allocation-site-pretenuring');

if (
  mayStart(process.argv.slice(2), {
    name: 'ingest',
    does: 'Receives webhooks: verifies each, queues it durably, and only then says that it has it.',
    settings: ingestSettings,
  })
)
  await runProcess((scope) => ingest({ environment: process.env, now: () => new Date(), newId: randomUUID }, scope));
