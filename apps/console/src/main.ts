import { randomBytes, randomUUID } from 'node:crypto';
import { operatorsConsole } from './console.ts';
import { runProcess } from '@penstock/runtime/lifecycle';

const newToken = (): string => randomBytes(32).toString('base64url');

await runProcess((scope) =>
  operatorsConsole({ environment: process.env, now: () => new Date(), newId: randomUUID, newToken }, scope),
);
