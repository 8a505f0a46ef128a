-- columns
api_keys.id text not null
api_keys.name text not null
api_keys.secret_sha256 bytea not null
api_keys.scopes text[] not null
api_keys.created_at timestamp with time zone not null default now()
api_keys.expires_at timestamp with time zone
api_keys.revoked_at timestamp with time zone
api_keys.last_used_at timestamp with time zone
asked_handlers.ledger_id bigint not null
asked_handlers.handler text not null
asked_handlers.replay_id bigint not null
attempts.id bigint not null generated always as identity
attempts.ledger_id bigint not null
attempts.attempt integer not null
attempts.failed_at timestamp with time zone not null default now()
attempts.duration_ms integer not null
attempts.code text not null
attempts.message text not null
attempts.fingerprint text not null
attempts.retry_in_ms bigint
attempts.handler text
attempts.retry_jitter real
attempts.retry_seed text
attempts.retry_asked_ms bigint
collisions.id bigint not null generated always as identity
collisions.ledger_id bigint not null
collisions.kind text not null
collisions.account text not null
collisions.endpoint text not null
collisions.provider_event_id text not null
collisions.type text not null
collisions.tier text not null
collisions.key_id text not null
collisions.transmission_id text
collisions.request_id text not null
collisions.received_at timestamp with time zone not null
collisions.recorded_at timestamp with time zone not null default now()
collisions.body_sha256 bytea not null
collisions.body bytea not null
confirmations.ledger_id bigint not null
confirmations.confirmed_at timestamp with time zone not null
confirmations.source text not null
confirmations.disagrees boolean not null
confirmations.body_sha256 bytea not null
confirmations.body bytea not null
confirmations.recorded_at timestamp with time zone not null
conflicts.id bigint not null generated always as identity
conflicts.account text not null
conflicts.provider text not null
conflicts.kind text not null
conflicts.code text not null
conflicts.detail text not null default ''::text
conflicts.subject text not null
conflicts.payment_key bigint
conflicts.ledger_id bigint
conflicts.state text not null default 'open'::text
conflicts.opened_at timestamp with time zone not null default now()
conflicts.opened_by bigint
conflicts.closed_at timestamp with time zone
conflicts.closed_by_event bigint
conflicts.closed_by text
conflicts.close_reason text
conflicts.fetch_state text not null default 'idle'::text
conflicts.fetch_attempts integer not null default 0
conflicts.fetch_after timestamp with time zone not null default now()
conflicts.fetch_event_id text
conflicts.fetch_error_code text
conflicts.fetch_error_message text
crashes.id bigint not null generated always as identity
crashes.ledger_id bigint not null
crashes.number integer not null
crashes.worker text not null
crashes.started_at timestamp with time zone not null default now()
deaths.id bigint not null generated always as identity
deaths.ledger_id bigint not null
deaths.died_at timestamp with time zone not null default now()
deaths.code text not null
deaths.message text not null
deaths.fingerprint text not null
deaths.reason text not null
deliveries.ledger_id bigint not null
deliveries.received_at timestamp with time zone not null
deliveries.delivery_id uuid not null
deliveries.kind text not null
deliveries.endpoint text not null
deliveries.key_id text not null
deliveries.request_id text not null
deliveries.body_sha256 bytea not null
deliveries.recorded_at timestamp with time zone not null
disputes.account text not null
disputes.id text not null
disputes.payment_key bigint not null
disputes.status text not null
disputes.funds text not null
disputes.amount bigint
disputes.currency text
disputes.reason text
disputes.version integer not null
disputes.occurred_at timestamp with time zone not null
disputes.updated_at timestamp with time zone not null default now()
events.id bigint not null
events.account text not null
events.endpoint text not null
events.provider text not null
events.provider_event_id text not null
events.type text not null
events.shape text not null
events.occurred_at timestamp with time zone
events.received_at timestamp with time zone not null
events.recorded_at timestamp with time zone not null default now()
events.livemode boolean
events.api_version text
events.provider_account text
events.tier text not null
events.key_id text not null
events.transmission_id text
events.request_id text not null
events.content_type text
events.origin text not null
events.body_sha256 bytea not null
events.body bytea not null
handler_runs.ledger_id bigint not null
handler_runs.handler text not null
handler_runs.version integer not null
handler_runs.state text not null
handler_runs.attempts integer not null
handler_runs.duration_ms integer not null
handler_runs.failure_code text
handler_runs.failure_message text
handler_runs.failure_fingerprint text
handler_runs.updated_at timestamp with time zone not null default now()
key_uses.endpoint text not null
key_uses.key_id text not null
key_uses.first_used_at timestamp with time zone not null
key_uses.last_used_at timestamp with time zone not null
known_handlers.name text not null
known_handlers.pattern text not null
known_handlers.version integer not null
known_handlers.seen_at timestamp with time zone not null default now()
ledger.id bigint not null generated always as identity
ledger.account text not null
ledger.provider_event_id text not null
ledger.endpoint text not null
ledger.provider text not null
ledger.job_id text not null
ledger.body_sha256 bytea not null
ledger.state text not null default 'received'::text
ledger.attempts integer not null default 0
ledger.received_at timestamp with time zone not null
ledger.stored_at timestamp with time zone not null default now()
ledger.touched_at timestamp with time zone not null default now()
ledger.finished_at timestamp with time zone
ledger.failure_code text
ledger.failure_message text
ledger.failure_fingerprint text
ledger.failure_reason text
ledger.first_failed_at timestamp with time zone
ledger.request_id text not null
ledger.traceparent text
ledger.first_failure_code text
ledger.first_failure_message text
ledger.first_failure_fingerprint text
operator_actions.id bigint not null generated always as identity
operator_actions.at timestamp with time zone not null default now()
operator_actions.operator text not null
operator_actions.action text not null
operator_actions.target text not null
operator_actions.reason text
operator_actions.request_id text not null
operator_actions.details jsonb not null
operator_actions.source text
outbox.id bigint not null generated always as identity
outbox.ledger_id bigint not null
outbox.topic text not null
outbox.key text not null
outbox.payload jsonb not null
outbox.created_at timestamp with time zone not null default now()
outbox.kind text not null default 'message'::text
outbox.sealed bytea
outbox_deliveries.id bigint not null generated always as identity
outbox_deliveries.outbox_id bigint not null
outbox_deliveries.destination text not null
outbox_deliveries.order_key text
outbox_deliveries.state text not null default 'pending'::text
outbox_deliveries.attempts integer not null default 0
outbox_deliveries.last_status integer
outbox_deliveries.last_error text
outbox_deliveries.created_at timestamp with time zone not null default now()
outbox_deliveries.touched_at timestamp with time zone not null default now()
outbox_deliveries.finished_at timestamp with time zone
payment_facts.event_id bigint not null
payment_facts.ordinal integer not null
payment_facts.account text not null
payment_facts.provider_event_id text not null
payment_facts.payment_key bigint
payment_facts.payout_id text
payment_facts.type text not null
payment_facts.occurred_at timestamp with time zone not null
payment_facts.fact jsonb not null
payment_references.account text not null
payment_references.reference text not null
payment_references.payment_key bigint not null
payments.key bigint not null generated always as identity
payments.account text not null
payments.provider text not null
payments.id text not null
payments.status text not null
payments.amount bigint
payments.currency text
payments.amount_captured bigint not null
payments.amount_refunded bigint not null
payments.refund_state text not null
payments.dispute_state text not null
payments.failure_code text
payments.conflict text
payments.needs_fetch boolean not null
payments.version integer not null
payments.occurred_at timestamp with time zone not null
payments.updated_at timestamp with time zone not null default now()
payouts.account text not null
payouts.id text not null
payouts.provider text not null
payouts.status text not null
payouts.amount bigint
payouts.currency text
payouts.failure_code text
payouts.version integer not null
payouts.occurred_at timestamp with time zone not null
payouts.updated_at timestamp with time zone not null default now()
refunds.account text not null
refunds.id text not null
refunds.payment_key bigint not null
refunds.status text not null
refunds.amount bigint
refunds.currency text
refunds.reason text
refunds.version integer not null
refunds.occurred_at timestamp with time zone not null
refunds.updated_at timestamp with time zone not null default now()
replay_items.replay_id bigint not null
replay_items.ledger_id bigint not null
replay_items.was text not null
replay_items.fingerprint text
replay_items.state text not null default 'planned'::text
replay_items.moved_at timestamp with time zone
replays.id bigint not null generated always as identity
replays.state text not null default 'planned'::text
replays.planned_by text not null
replays.reason text not null
replays.filter jsonb not null
replays.handlers jsonb
replays.per_second integer not null
replays.events integer not null
replays.created_at timestamp with time zone not null default now()
replays.applied_by text
replays.started_at timestamp with time zone
replays.finished_at timestamp with time zone
replays.held_reason text
replays.next_move_at timestamp with time zone not null default now()
replays.result jsonb
transmissions.account text not null
transmissions.transmission_id text not null
transmissions.body_sha256 bytea not null
transmissions.ledger_id bigint not null

-- partitioned
attempts by RANGE (failed_at)
confirmations by RANGE (recorded_at)
deliveries by RANGE (recorded_at)
events by RANGE (recorded_at)

-- constraints
api_keys: CHECK (((length(name) >= 1) AND (length(name) <= 100)))
api_keys: CHECK ((cardinality(scopes) > 0))
api_keys: CHECK ((id ~ '^[0-9a-f]{12}$'::text))
api_keys: CHECK ((octet_length(secret_sha256) = 32))
api_keys: PRIMARY KEY (id)
asked_handlers: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
asked_handlers: FOREIGN KEY (replay_id) REFERENCES replays(id)
asked_handlers: PRIMARY KEY (ledger_id, handler)
attempts: CHECK (((retry_jitter >= (0)::double precision) AND (retry_jitter <= (1)::double precision)))
attempts: PRIMARY KEY (id, failed_at)
collisions: CHECK ((kind = ANY (ARRAY['event_id'::text, 'transmission_id'::text])))
collisions: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
collisions: PRIMARY KEY (id)
collisions: UNIQUE (ledger_id, kind, provider_event_id, body_sha256)
confirmations: CHECK ((octet_length(body_sha256) = 32))
confirmations: PRIMARY KEY (ledger_id, recorded_at)
conflicts: CHECK (((payment_key IS NULL) <> (ledger_id IS NULL)))
conflicts: CHECK (((state <> 'dismissed'::text) OR ((closed_by IS NOT NULL) AND (close_reason IS NOT NULL))))
conflicts: CHECK (((state = 'open'::text) = (closed_at IS NULL)))
conflicts: CHECK ((fetch_attempts >= 0))
conflicts: CHECK ((fetch_state = ANY (ARRAY['idle'::text, 'requested'::text, 'fetched'::text, 'failed'::text])))
conflicts: CHECK ((kind = ANY (ARRAY['illegal_transition'::text, 'amounts_disagree'::text, 'missing_parent'::text, 'collision'::text, 'unsigned_disagreement'::text])))
conflicts: CHECK ((state = ANY (ARRAY['open'::text, 'resolved'::text, 'dismissed'::text])))
conflicts: FOREIGN KEY (closed_by_event) REFERENCES ledger(id)
conflicts: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
conflicts: FOREIGN KEY (opened_by) REFERENCES ledger(id)
conflicts: PRIMARY KEY (id)
conflicts: UNIQUE (subject, code)
crashes: CHECK ((number > 0))
crashes: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
crashes: PRIMARY KEY (id)
crashes: UNIQUE (ledger_id, number)
deaths: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
deaths: PRIMARY KEY (id)
deliveries: CHECK ((kind = ANY (ARRAY['first'::text, 'repeat'::text, 'other_body'::text])))
deliveries: PRIMARY KEY (ledger_id, recorded_at, delivery_id)
disputes: FOREIGN KEY (payment_key) REFERENCES payments(key)
disputes: PRIMARY KEY (account, id, payment_key)
events: CHECK ((origin = ANY (ARRAY['webhook'::text, 'sweep'::text, 'fetch'::text])))
events: CHECK ((shape = ANY (ARRAY['event'::text, 'malformed'::text])))
events: CHECK ((tier = ANY (ARRAY['full'::text, 'body'::text, 'partial'::text, 'none'::text, 'fetched'::text])))
events: PRIMARY KEY (id, recorded_at)
handler_runs: CHECK (((state = 'done'::text) = (failure_code IS NULL)))
handler_runs: CHECK ((attempts > 0))
handler_runs: CHECK ((state = ANY (ARRAY['done'::text, 'failed'::text, 'dead'::text])))
handler_runs: PRIMARY KEY (ledger_id, handler)
key_uses: CHECK ((first_used_at <= last_used_at))
key_uses: PRIMARY KEY (endpoint, key_id)
known_handlers: PRIMARY KEY (name)
ledger: CHECK (((state <> 'dead'::text) OR (failure_code IS NOT NULL)))
ledger: CHECK (((state = 'received'::text) = (finished_at IS NULL)))
ledger: CHECK ((attempts >= 0))
ledger: CHECK ((octet_length(body_sha256) = 32))
ledger: CHECK ((state = ANY (ARRAY['received'::text, 'processed'::text, 'ignored'::text, 'dead'::text, 'discarded'::text])))
ledger: PRIMARY KEY (id)
ledger: UNIQUE (account, provider_event_id)
operator_actions: PRIMARY KEY (id)
outbox: CHECK ((kind = ANY (ARRAY['message'::text, 'event'::text])))
outbox: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
outbox: PRIMARY KEY (id)
outbox_deliveries: CHECK (((state = ANY (ARRAY['delivered'::text, 'dead'::text])) = (finished_at IS NOT NULL)))
outbox_deliveries: CHECK ((state = ANY (ARRAY['pending'::text, 'queued'::text, 'delivered'::text, 'dead'::text])))
outbox_deliveries: FOREIGN KEY (outbox_id) REFERENCES outbox(id)
outbox_deliveries: PRIMARY KEY (id)
outbox_deliveries: UNIQUE (outbox_id, destination)
payment_facts: CHECK (((payment_key IS NULL) = (payout_id IS NOT NULL)))
payment_facts: FOREIGN KEY (payment_key) REFERENCES payments(key)
payment_facts: PRIMARY KEY (event_id, ordinal)
payment_references: FOREIGN KEY (payment_key) REFERENCES payments(key)
payment_references: PRIMARY KEY (reference, account)
payments: CHECK ((dispute_state = ANY (ARRAY['none'::text, 'inquiry'::text, 'open'::text, 'won'::text, 'lost'::text])))
payments: CHECK ((refund_state = ANY (ARRAY['none'::text, 'partial'::text, 'full'::text])))
payments: PRIMARY KEY (key)
payouts: PRIMARY KEY (account, id)
refunds: FOREIGN KEY (payment_key) REFERENCES payments(key)
refunds: PRIMARY KEY (account, id)
replay_items: CHECK (((state = 'moved'::text) = (moved_at IS NOT NULL)))
replay_items: CHECK ((state = ANY (ARRAY['planned'::text, 'moved'::text, 'skipped'::text])))
replay_items: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
replay_items: FOREIGN KEY (replay_id) REFERENCES replays(id)
replay_items: PRIMARY KEY (replay_id, ledger_id)
replays: CHECK (((state = ANY (ARRAY['cancelled'::text, 'done'::text, 'expired'::text])) = (finished_at IS NOT NULL)))
replays: CHECK ((events >= 0))
replays: CHECK ((per_second > 0))
replays: CHECK ((state = ANY (ARRAY['planned'::text, 'running'::text, 'paused'::text, 'cancelled'::text, 'done'::text, 'expired'::text])))
replays: PRIMARY KEY (id)
transmissions: FOREIGN KEY (ledger_id) REFERENCES ledger(id)
transmissions: PRIMARY KEY (account, transmission_id)

-- indexes
CREATE INDEX attempts_of_event ON ONLY public.attempts USING btree (ledger_id, id)
CREATE INDEX conflicts_of_event ON public.conflicts USING btree (ledger_id) WHERE (ledger_id IS NOT NULL)
CREATE INDEX conflicts_of_payment ON public.conflicts USING btree (payment_key) WHERE (payment_key IS NOT NULL)
CREATE INDEX conflicts_open ON public.conflicts USING btree (id DESC) WHERE (state = 'open'::text)
CREATE INDEX conflicts_to_fetch ON public.conflicts USING btree (fetch_after) WHERE ((state = 'open'::text) AND (fetch_state = ANY (ARRAY['idle'::text, 'requested'::text])))
CREATE INDEX deaths_by_time ON public.deaths USING btree (died_at)
CREATE INDEX deaths_of_event ON public.deaths USING btree (ledger_id, id)
CREATE INDEX disputes_by_amount ON public.disputes USING btree (currency, amount)
CREATE INDEX disputes_by_id ON public.disputes USING btree (id)
CREATE INDEX disputes_by_status ON public.disputes USING btree (status, occurred_at DESC, account DESC, id DESC, payment_key DESC)
CREATE INDEX disputes_by_time ON public.disputes USING btree (occurred_at DESC, account DESC, id DESC, payment_key DESC)
CREATE INDEX disputes_of_payment ON public.disputes USING btree (payment_key)
CREATE INDEX events_by_type ON ONLY public.events USING btree (type, received_at DESC, id DESC)
CREATE INDEX ledger_by_endpoint ON public.ledger USING btree (endpoint, received_at DESC, id DESC)
CREATE INDEX ledger_by_fingerprint ON public.ledger USING btree (failure_fingerprint, received_at DESC, id DESC) WHERE (failure_fingerprint IS NOT NULL)
CREATE INDEX ledger_by_time ON public.ledger USING btree (received_at DESC, id DESC)
CREATE INDEX ledger_dead ON public.ledger USING btree (finished_at DESC) WHERE (state = 'dead'::text)
CREATE INDEX ledger_dead_by_time ON public.ledger USING btree (received_at DESC, id DESC) WHERE (state = 'dead'::text)
CREATE INDEX ledger_unfinished ON public.ledger USING btree (touched_at) WHERE (state = 'received'::text)
CREATE INDEX operator_actions_of_target ON public.operator_actions USING btree (target, id)
CREATE INDEX outbox_deliveries_by_destination ON public.outbox_deliveries USING btree (destination, id DESC)
CREATE INDEX outbox_deliveries_dead ON public.outbox_deliveries USING btree (finished_at DESC) WHERE (state = 'dead'::text)
CREATE INDEX outbox_deliveries_in_order ON public.outbox_deliveries USING btree (destination, order_key, id) WHERE ((order_key IS NOT NULL) AND (finished_at IS NULL))
CREATE INDEX outbox_deliveries_pending ON public.outbox_deliveries USING btree (id) WHERE (state = 'pending'::text)
CREATE INDEX outbox_deliveries_queued ON public.outbox_deliveries USING btree (touched_at) WHERE (state = 'queued'::text)
CREATE INDEX outbox_of_event ON public.outbox USING btree (ledger_id)
CREATE INDEX payment_facts_of_payment ON public.payment_facts USING btree (payment_key) WHERE (payment_key IS NOT NULL)
CREATE INDEX payment_facts_of_payout ON public.payment_facts USING btree (account, payout_id) WHERE (payout_id IS NOT NULL)
CREATE INDEX payment_references_of_payment ON public.payment_references USING btree (payment_key)
CREATE INDEX payments_by_account ON public.payments USING btree (account, occurred_at DESC, key DESC)
CREATE INDEX payments_by_amount ON public.payments USING btree (currency, amount)
CREATE INDEX payments_by_id ON public.payments USING btree (id, account)
CREATE INDEX payments_by_status ON public.payments USING btree (status, occurred_at DESC, key DESC)
CREATE INDEX payments_by_time ON public.payments USING btree (occurred_at DESC, key DESC)
CREATE INDEX payouts_by_amount ON public.payouts USING btree (currency, amount)
CREATE INDEX payouts_by_status ON public.payouts USING btree (status, occurred_at DESC, account DESC, id DESC)
CREATE INDEX payouts_by_time ON public.payouts USING btree (occurred_at DESC, account DESC, id DESC)
CREATE INDEX refunds_by_amount ON public.refunds USING btree (currency, amount)
CREATE INDEX refunds_by_status ON public.refunds USING btree (status, occurred_at DESC, account DESC, id DESC)
CREATE INDEX refunds_by_time ON public.refunds USING btree (occurred_at DESC, account DESC, id DESC)
CREATE INDEX refunds_of_payment ON public.refunds USING btree (payment_key)
CREATE INDEX replay_items_of_event ON public.replay_items USING btree (ledger_id) WHERE (state = 'moved'::text)
CREATE INDEX replay_items_planned ON public.replay_items USING btree (replay_id, ledger_id) WHERE (state = 'planned'::text)
CREATE INDEX replays_open ON public.replays USING btree (id) WHERE (state = ANY (ARRAY['planned'::text, 'running'::text, 'paused'::text]))
CREATE UNIQUE INDEX api_keys_pkey ON public.api_keys USING btree (id)
CREATE UNIQUE INDEX asked_handlers_pkey ON public.asked_handlers USING btree (ledger_id, handler)
CREATE UNIQUE INDEX attempts_pkey ON ONLY public.attempts USING btree (id, failed_at)
CREATE UNIQUE INDEX collisions_ledger_id_kind_provider_event_id_body_sha256_key ON public.collisions USING btree (ledger_id, kind, provider_event_id, body_sha256)
CREATE UNIQUE INDEX collisions_pkey ON public.collisions USING btree (id)
CREATE UNIQUE INDEX confirmations_pkey ON ONLY public.confirmations USING btree (ledger_id, recorded_at)
CREATE UNIQUE INDEX conflicts_pkey ON public.conflicts USING btree (id)
CREATE UNIQUE INDEX conflicts_subject_code_key ON public.conflicts USING btree (subject, code)
CREATE UNIQUE INDEX crashes_ledger_id_number_key ON public.crashes USING btree (ledger_id, number)
CREATE UNIQUE INDEX crashes_pkey ON public.crashes USING btree (id)
CREATE UNIQUE INDEX deaths_pkey ON public.deaths USING btree (id)
CREATE UNIQUE INDEX deliveries_pkey ON ONLY public.deliveries USING btree (ledger_id, recorded_at, delivery_id)
CREATE UNIQUE INDEX disputes_pkey ON public.disputes USING btree (account, id, payment_key)
CREATE UNIQUE INDEX events_pkey ON ONLY public.events USING btree (id, recorded_at)
CREATE UNIQUE INDEX handler_runs_pkey ON public.handler_runs USING btree (ledger_id, handler)
CREATE UNIQUE INDEX key_uses_pkey ON public.key_uses USING btree (endpoint, key_id)
CREATE UNIQUE INDEX known_handlers_pkey ON public.known_handlers USING btree (name)
CREATE UNIQUE INDEX ledger_account_provider_event_id_key ON public.ledger USING btree (account, provider_event_id)
CREATE UNIQUE INDEX ledger_pkey ON public.ledger USING btree (id)
CREATE UNIQUE INDEX operator_actions_pkey ON public.operator_actions USING btree (id)
CREATE UNIQUE INDEX outbox_deliveries_outbox_id_destination_key ON public.outbox_deliveries USING btree (outbox_id, destination)
CREATE UNIQUE INDEX outbox_deliveries_pkey ON public.outbox_deliveries USING btree (id)
CREATE UNIQUE INDEX outbox_pkey ON public.outbox USING btree (id)
CREATE UNIQUE INDEX payment_facts_pkey ON public.payment_facts USING btree (event_id, ordinal)
CREATE UNIQUE INDEX payment_references_pkey ON public.payment_references USING btree (reference, account)
CREATE UNIQUE INDEX payments_pkey ON public.payments USING btree (key)
CREATE UNIQUE INDEX payouts_pkey ON public.payouts USING btree (account, id)
CREATE UNIQUE INDEX refunds_pkey ON public.refunds USING btree (account, id)
CREATE UNIQUE INDEX replay_items_pkey ON public.replay_items USING btree (replay_id, ledger_id)
CREATE UNIQUE INDEX replays_pkey ON public.replays USING btree (id)
CREATE UNIQUE INDEX transmissions_pkey ON public.transmissions USING btree (account, transmission_id)

-- triggers
CREATE TRIGGER attempts_append_only BEFORE DELETE OR UPDATE ON public.attempts FOR EACH ROW EXECUTE FUNCTION refuse_change()
CREATE TRIGGER attempts_no_truncate BEFORE TRUNCATE ON public.attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER collisions_append_only BEFORE DELETE OR UPDATE ON public.collisions FOR EACH ROW EXECUTE FUNCTION refuse_change_but_of_seal()
CREATE TRIGGER collisions_no_truncate BEFORE TRUNCATE ON public.collisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER confirmations_append_only BEFORE DELETE OR UPDATE ON public.confirmations FOR EACH ROW EXECUTE FUNCTION refuse_change_but_of_seal()
CREATE TRIGGER confirmations_no_truncate BEFORE TRUNCATE ON public.confirmations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER deaths_append_only BEFORE DELETE OR UPDATE ON public.deaths FOR EACH ROW EXECUTE FUNCTION refuse_change()
CREATE TRIGGER deaths_no_truncate BEFORE TRUNCATE ON public.deaths FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER deliveries_append_only BEFORE DELETE OR UPDATE ON public.deliveries FOR EACH ROW EXECUTE FUNCTION refuse_change()
CREATE TRIGGER deliveries_no_truncate BEFORE TRUNCATE ON public.deliveries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER events_append_only BEFORE DELETE OR UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION refuse_change_but_of_seal()
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER ledger_identity_fixed BEFORE UPDATE ON public.ledger FOR EACH ROW EXECUTE FUNCTION refuse_ledger_identity_change()
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON public.ledger FOR EACH ROW EXECUTE FUNCTION refuse_change()
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER operator_actions_append_only BEFORE DELETE OR UPDATE ON public.operator_actions FOR EACH ROW EXECUTE FUNCTION refuse_change()
CREATE TRIGGER operator_actions_no_truncate BEFORE TRUNCATE ON public.operator_actions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
CREATE TRIGGER transmissions_append_only BEFORE DELETE OR UPDATE ON public.transmissions FOR EACH ROW EXECUTE FUNCTION refuse_change()
CREATE TRIGGER transmissions_no_truncate BEFORE TRUNCATE ON public.transmissions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()

-- functions
CREATE OR REPLACE FUNCTION public.assert_monthly(parent text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if parent not in ('events', 'deliveries', 'confirmations', 'attempts') then
    raise exception 'penstock: % is not kept by month', parent using errcode = 'insufficient_privilege';
  end if;
end
$function$
CREATE OR REPLACE FUNCTION public.create_month(parent text, month date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  name   text := parent || '_' || to_char(month, 'YYYY_MM');
  begins timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends   timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
begin
  perform assert_monthly(parent);
  -- "penstock months": two that make the same month at once wait for each other.
  perform pg_advisory_xact_lock(7365708);
  if to_regclass(quote_ident(name)) is not null then
    return false;
  end if;
  execute format('create table %I (like %I including all excluding identity)', name, parent);
  -- Triggers for rows are the parent's; one for the whole table is not handed down.
  execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                 name || '_no_truncate', name);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, begins, ends);
  return true;
end
$function$
CREATE OR REPLACE FUNCTION public.month_may_go(parent text, month date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  name  text := month_to_drop(parent, month);
  found boolean;
begin
  execute format('select not exists (select from %1$I)
                         or exists (select from %1$I as whole where not exists (
                                      select from unfinished_events() as unfinished where unfinished.id = whole.%2$I))',
                 name, case parent when 'events' then 'id' else 'ledger_id' end) into found;
  return found;
end
$function$
CREATE OR REPLACE FUNCTION public.month_to_drop(parent text, month date)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
begin
  perform assert_monthly(parent);
  if (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC' > now() - interval '35 days' then
    raise exception 'penstock: % of % may not be dropped yet', to_char(month, 'YYYY-MM'), parent
      using errcode = 'insufficient_privilege';
  end if;
  return parent || '_' || to_char(month, 'YYYY_MM');
end
$function$
CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'penstock: % of % is refused: facts are append-only', tg_op, tg_table_name
    using errcode = 'integrity_constraint_violation';
end
$function$
CREATE OR REPLACE FUNCTION public.refuse_change_but_of_seal()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'UPDATE' and to_jsonb(new) - 'body' = to_jsonb(old) - 'body'
     and (substring(new.body from 1 for 4) = '\x00505301' or sha256(new.body) = new.body_sha256) then
    return new;
  end if;
  raise exception 'penstock: % of % is refused: facts are append-only', tg_op, tg_table_name
    using errcode = 'integrity_constraint_violation';
end
$function$
CREATE OR REPLACE FUNCTION public.refuse_ledger_identity_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if (new.id, new.account, new.provider_event_id, new.body_sha256)
     is distinct from (old.id, old.account, old.provider_event_id, old.body_sha256) then
    raise exception 'penstock: the identity of ledger row % is fixed', old.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$function$
CREATE OR REPLACE FUNCTION public.replace_month(parent text, month date)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  name   text := month_to_drop(parent, month);
  rest   text := name || '_rest';
  begins timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends   timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
  kept   bigint;
begin
  -- How long writers may be kept waiting: an event's transaction takes some milliseconds, a rebuild's minutes.
  perform set_config('lock_timeout', '100ms', true);
  execute format('lock table only %I in access exclusive mode', parent);
  -- Ten minutes are longer than any transaction of a worker may be.
  execute format('insert into %I select * from %I where %I in (
                    select id from unfinished_events() where since >= now() - interval ''10 minutes'') on conflict do nothing',
                 rest, name, case parent when 'events' then 'id' else 'ledger_id' end);
  execute format('alter table %I detach partition %I', parent, name);
  execute format('drop table %I', name);
  execute format('select count(*) from %I', rest) into kept;
  if kept = 0 then
    execute format('drop table %I', rest);
    return kept;
  end if;
  execute format('alter table %I rename to %I', rest, name);
  -- As create_month makes it.
  execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                 name || '_no_truncate', name);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, begins, ends);
  return kept;
end
$function$
CREATE OR REPLACE FUNCTION public.set_month_aside(parent text, month date)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  name text := month_to_drop(parent, month);
begin
  execute format('create table %I (like %I including all excluding identity)', name || '_rest', parent);
  execute format('insert into %I select * from %I where %I in (select id from unfinished_events()) on conflict do nothing',
                 name || '_rest', name, case parent when 'events' then 'id' else 'ledger_id' end);
end
$function$
CREATE OR REPLACE FUNCTION public.unfinished_events()
 RETURNS TABLE(id bigint, since timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  select ledger.id, touched_at from ledger where state = 'received'
  union all select ledger.id, finished_at from ledger where state = 'dead'
  union all select outbox.ledger_id, timestamptz 'infinity' from outbox_deliveries join outbox on outbox.id = outbox_id
            where outbox_deliveries.state in ('pending', 'queued')
$function$
