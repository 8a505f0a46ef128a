import type { Operator } from '@penstock/db/operator-actions';
import type { Context } from 'hono';
import type { ConsoleEnv } from './respond.ts';

/** Who makes a change, under which request, and from where: what the audit keeps. */
export function operatorOf({ var: { session, requestId, address } }: Context<ConsoleEnv>): Operator {
  return { name: session.name, requestId, source: address };
}
