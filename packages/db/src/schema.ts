import type { Generated, GeneratedAlways, JSONColumnType } from 'kysely';
import type {
  DisputeFunds,
  DisputeStatus,
  PaymentFact,
  PaymentStatus,
  PayoutStatus,
  RefundStatus,
  CanonicalType,
} from '@penstock/core/payment-event';
import type { Delivery } from '@penstock/core/delivery';
import type { ApiKeysTable } from './schema-api-keys.ts';
import type { ConflictsTable } from './schema-conflicts.ts';
import type { ReplayTables } from './schema-replay.ts';

/** The tables, as migrations/ makes them. Amounts are minor units of the currency. */
export interface Database extends ReplayTables {
  ledger: LedgerTable;
  events: EventsTable;
  deliveries: DeliveriesTable;
  transmissions: TransmissionsTable;
  collisions: CollisionsTable;
  confirmations: ConfirmationsTable;
  attempts: AttemptsTable;
  crashes: CrashesTable;
  handler_runs: HandlerRunsTable;
  key_uses: KeyUsesTable;
  api_keys: ApiKeysTable;
  payments: PaymentsTable;
  payment_references: PaymentReferencesTable;
  payment_facts: PaymentFactsTable;
  refunds: RefundsTable;
  disputes: DisputesTable;
  payouts: PayoutsTable;
  conflicts: ConflictsTable;
  outbox: OutboxTable;
  outbox_deliveries: OutboxDeliveriesTable;
}

/** `discarded`: dead, and somebody decided that it stays so. */
export type LedgerState = 'received' | 'processed' | 'ignored' | 'dead' | 'discarded';
export type DeathReason = 'permanent_failure' | 'retries_exhausted' | 'malformed' | 'abandoned' | 'poison';

interface LedgerTable {
  id: GeneratedAlways<number>;
  account: string;
  provider_event_id: string;
  endpoint: string;
  provider: string;
  job_id: string;
  body_sha256: Buffer;
  state: Generated<LedgerState>;
  attempts: Generated<number>;
  received_at: Date;
  stored_at: Generated<Date>;
  touched_at: Generated<Date>;
  finished_at: Date | null;
  failure_code: string | null;
  failure_message: string | null;
  failure_fingerprint: string | null;
  failure_reason: DeathReason | null;
  first_failed_at: Date | null;
  first_failure_code: string | null;
  first_failure_message: string | null;
  first_failure_fingerprint: string | null;
  request_id: string;
  traceparent: string | null;
}

interface EventsTable {
  id: number;
  account: string;
  endpoint: string;
  provider: string;
  provider_event_id: string;
  type: string;
  shape: 'event' | 'malformed';
  occurred_at: Date | null;
  received_at: Date;
  /** The ledger's stored_at: says which month it is kept in. */
  recorded_at: Date;
  livemode: boolean | null;
  api_version: string | null;
  provider_account: string | null;
  tier: Delivery['tier'];
  key_id: string;
  transmission_id: string | null;
  request_id: string;
  content_type: string | null;
  origin: Delivery['origin'];
  body_sha256: Buffer;
  body: Buffer;
}

export type DeliveryKind = 'first' | 'repeat' | 'other_body';

interface DeliveriesTable {
  ledger_id: number;
  received_at: Date;
  delivery_id: string;
  kind: DeliveryKind;
  endpoint: string;
  key_id: string;
  request_id: string;
  body_sha256: Buffer;
  recorded_at: Date;
}

interface TransmissionsTable {
  account: string;
  transmission_id: string;
  body_sha256: Buffer;
  ledger_id: number;
}

export type CollisionKind = 'event_id' | 'transmission_id';

interface CollisionsTable {
  id: GeneratedAlways<number>;
  ledger_id: number;
  kind: CollisionKind;
  account: string;
  endpoint: string;
  provider_event_id: string;
  type: string;
  tier: Delivery['tier'];
  key_id: string;
  transmission_id: string | null;
  request_id: string;
  received_at: Date;
  recorded_at: Generated<Date>;
  body_sha256: Buffer;
  body: Buffer;
}

interface ConfirmationsTable {
  ledger_id: number;
  confirmed_at: Date;
  source: string;
  disagrees: boolean;
  body_sha256: Buffer;
  body: Buffer;
  /** The ledger's stored_at. */
  recorded_at: Date;
}

interface AttemptsTable {
  id: GeneratedAlways<number>;
  ledger_id: number;
  attempt: number;
  failed_at: Generated<Date>;
  duration_ms: number;
  code: string;
  message: string;
  fingerprint: string;
  retry_in_ms: number | null;
  retry_seed: string | null;
  retry_jitter: number | null;
  retry_asked_ms: number | null;
  handler: string | null;
}

interface CrashesTable {
  id: GeneratedAlways<number>;
  ledger_id: number;
  number: number;
  worker: string;
  started_at: Generated<Date>;
}

export type HandlerRunState = 'done' | 'failed' | 'dead';

interface HandlerRunsTable {
  ledger_id: number;
  handler: string;
  version: number;
  state: HandlerRunState;
  attempts: number;
  duration_ms: number;
  failure_code: string | null;
  failure_message: string | null;
  failure_fingerprint: string | null;
  updated_at: Generated<Date>;
}

interface KeyUsesTable {
  endpoint: string;
  key_id: string;
  first_used_at: Date;
  last_used_at: Date;
}

interface PaymentsTable {
  key: GeneratedAlways<number>;
  account: string;
  provider: string;
  id: string;
  status: PaymentStatus;
  amount: number | null;
  currency: string | null;
  amount_captured: number;
  amount_refunded: number;
  refund_state: 'none' | 'partial' | 'full';
  dispute_state: 'none' | 'inquiry' | 'open' | 'won' | 'lost';
  failure_code: string | null;
  conflict: string | null;
  needs_fetch: boolean;
  version: number;
  occurred_at: Date;
  updated_at: Generated<Date>;
}

interface PaymentReferencesTable {
  account: string;
  reference: string;
  payment_key: number;
}

interface PaymentFactsTable {
  event_id: number;
  ordinal: number;
  account: string;
  provider_event_id: string;
  payment_key: number | null;
  payout_id: string | null;
  type: CanonicalType;
  occurred_at: Date;
  fact: JSONColumnType<PaymentFact>;
}

interface RefundsTable {
  account: string;
  id: string;
  payment_key: number;
  status: RefundStatus;
  amount: number | null;
  currency: string | null;
  reason: string | null;
  version: number;
  occurred_at: Date;
  updated_at: Generated<Date>;
}

interface DisputesTable {
  account: string;
  id: string;
  payment_key: number;
  status: DisputeStatus;
  funds: DisputeFunds;
  amount: number | null;
  currency: string | null;
  reason: string | null;
  version: number;
  occurred_at: Date;
  updated_at: Generated<Date>;
}

interface PayoutsTable {
  account: string;
  id: string;
  provider: string;
  status: PayoutStatus;
  amount: number | null;
  currency: string | null;
  failure_code: string | null;
  version: number;
  occurred_at: Date;
  updated_at: Generated<Date>;
}

interface OutboxTable {
  id: GeneratedAlways<number>;
  ledger_id: number;
  topic: string;
  key: string;
  /** JSON's null where it is sealed. */
  payload: JSONColumnType<Record<string, unknown>, string, string>;
  sealed: Buffer | null;
  kind: 'message' | 'event';
  created_at: Generated<Date>;
}

interface OutboxDeliveriesTable {
  id: GeneratedAlways<number>;
  outbox_id: number;
  destination: string;
  order_key: string | null;
  state: Generated<'pending' | 'queued' | 'delivered' | 'dead'>;
  attempts: Generated<number>;
  last_status: Generated<number | null>;
  last_error: Generated<string | null>;
  created_at: Generated<Date>;
  touched_at: Generated<Date>;
  finished_at: Generated<Date | null>;
}
