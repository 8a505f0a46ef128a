import type { Generated, GeneratedAlways } from 'kysely';
import type { ConflictKind } from '@penstock/core/conflict';

export type ConflictState = 'open' | 'resolved' | 'dismissed';
export type FetchState = 'idle' | 'requested' | 'fetched' | 'failed';

/** Something that does not add up. */
export interface ConflictsTable {
  id: GeneratedAlways<number>;
  account: string;
  provider: string;
  kind: ConflictKind;
  code: string;
  detail: Generated<string>;
  subject: string;
  payment_key: number | null;
  ledger_id: number | null;
  state: Generated<ConflictState>;
  opened_at: Generated<Date>;
  opened_by: number | null;
  closed_at: Generated<Date | null>;
  closed_by_event: Generated<number | null>;
  closed_by: Generated<string | null>;
  close_reason: Generated<string | null>;
  fetch_state: Generated<FetchState>;
  fetch_attempts: Generated<number>;
  fetch_after: Generated<Date>;
  fetch_event_id: Generated<string | null>;
  fetch_error_code: Generated<string | null>;
  fetch_error_message: Generated<string | null>;
}
