import type { OperatorActionKind } from '@penstock/core/replay';
import type { Connection } from './database.ts';

/** Who acts, and under which request: every change by a person carries it. */
export interface Operator {
  readonly name: string;
  readonly requestId: string;
}

/** Records what somebody did, in the transaction in which it is done. */
export async function recordOperatorAction(
  db: Connection,
  action: {
    readonly operator: Operator;
    readonly action: OperatorActionKind;
    /** `replay:7`, `event:<account>/<event id>`, `job:<queue>/<id>`, `delivery:12`. */
    readonly target: string;
    readonly reason: string | null;
    readonly details: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  await db
    .insertInto('operator_actions')
    .values({
      operator: action.operator.name,
      action: action.action,
      target: action.target,
      reason: action.reason,
      request_id: action.operator.requestId,
      details: JSON.stringify(action.details),
    })
    .execute();
}
