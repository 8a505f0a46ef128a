import { randomBytes, randomUUID } from 'node:crypto';
import { runProcess } from '@penstock/runtime/lifecycle';
import { mayStart } from '@penstock/runtime/process-arguments';
import { consoleSettings } from './config.ts';
import { operatorsConsole } from './console.ts';

const newToken = (): string => randomBytes(32).toString('base64url');

if (
  mayStart(process.argv.slice(2), {
    name: 'console',
    does: "The operators' pages, the queue's board and the API to read by.",
    settings: consoleSettings,
  })
)
  await runProcess((scope) =>
    operatorsConsole({ environment: process.env, now: () => new Date(), newId: randomUUID, newToken }, scope),
  );
