import type { Generated, GeneratedAlways, JSONColumnType } from 'kysely';
import type { EventFilter, OperatorActionKind, ReplayResult, ReplayState } from '@penstock/core/replay';
import type { DeathReason, LedgerState } from './schema.ts';

/** The tables of dying, replaying and who did what. */
export interface ReplayTables {
  deaths: DeathsTable;
  known_handlers: KnownHandlersTable;
  replays: ReplaysTable;
  replay_items: ReplayItemsTable;
  asked_handlers: AskedHandlersTable;
  operator_actions: OperatorActionsTable;
}

interface DeathsTable {
  id: GeneratedAlways<number>;
  ledger_id: number;
  died_at: Generated<Date>;
  code: string;
  message: string;
  fingerprint: string;
  reason: DeathReason;
}

interface KnownHandlersTable {
  name: string;
  pattern: string;
  version: number;
  seen_at: Generated<Date>;
}

interface ReplaysTable {
  id: GeneratedAlways<number>;
  state: Generated<ReplayState>;
  planned_by: string;
  reason: string;
  filter: JSONColumnType<EventFilter>;
  handlers: JSONColumnType<readonly string[]> | null;
  per_second: number;
  events: number;
  created_at: Generated<Date>;
  applied_by: string | null;
  started_at: Date | null;
  finished_at: Date | null;
  held_reason: 'live_traffic' | null;
  next_move_at: Generated<Date>;
  result: JSONColumnType<ReplayResult> | null;
}

interface ReplayItemsTable {
  replay_id: number;
  ledger_id: number;
  was: LedgerState;
  fingerprint: string | null;
  state: Generated<'planned' | 'moved' | 'skipped'>;
  moved_at: Date | null;
}

interface AskedHandlersTable {
  ledger_id: number;
  handler: string;
  replay_id: number;
}

interface OperatorActionsTable {
  id: GeneratedAlways<number>;
  at: Generated<Date>;
  operator: string;
  action: OperatorActionKind;
  target: string;
  reason: string | null;
  request_id: string;
  source: string | null;
  details: JSONColumnType<Record<string, unknown>>;
}
