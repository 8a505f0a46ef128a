import type { OperatorActionKind } from '@penstock/core/replay';
import type { Connection } from './database.ts';

/** Who acts, and under which request: every change by a person carries it. */
export interface Operator {
  readonly name: string;
  readonly requestId: string;
  /** From where: an address, or a command on a host; absent for what a process does of itself. */
  readonly source?: string;
}

/** Records what somebody did, in the transaction in which it is done. */
export async function recordOperatorAction(
  db: Connection,
  action: {
    readonly operator: Operator;
    readonly action: OperatorActionKind;
    /** `replay:7`, `event:<account>/<event id>`, `job:<queue>/<id>`, `delivery:12`, `key:<id>`, `conflict:3`, `projections`, `payloads`. */
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
      source: action.operator.source ?? null,
      details: JSON.stringify(action.details),
    })
    .execute();
}
