import * as z from 'zod';

/** The states of the ledger that a replay can select. What is `received` is being tried already. */
const replayableStates = ['dead', 'discarded', 'processed', 'ignored'] as const;

/** More values than this are a list to be made in the database, not on a command line. */
const VALUES_MAX = 100;

const words = z.array(z.string().min(1).max(255)).max(VALUES_MAX).optional();

/**
 * Which events: all conditions together, any value of each. A type may end in
 * `*`. Times are when Penstock received the event; `to` is not included.
 */
export const eventFilterSchema = z.strictObject({
  states: z.array(z.enum(replayableStates)).min(1).max(replayableStates.length).default(['dead']),
  endpoints: words,
  providers: words,
  accounts: words,
  types: words,
  fingerprints: words,
  codes: words,
  /** Any id that the payment goes by. */
  payments: words,
  /** The provider's event ids. */
  events: words,
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});

/** A time in ISO 8601, or so long before `now`: `7d`, `12h`, `30m`; null where it is neither. */
export function timeFrom(text: string, now: Date): string | null {
  const [, count, unit] = /^(\d{1,6})([dhm])$/.exec(text) ?? [];
  const minutes = unit === 'd' ? 1_440 : unit === 'h' ? 60 : 1;
  const time = count === undefined ? new Date(text) : new Date(now.getTime() - Number(count) * minutes * 60_000);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

export type EventFilter = z.infer<typeof eventFilterSchema>;

export type ReplayState = 'planned' | 'running' | 'paused' | 'cancelled' | 'done' | 'expired';

/** What became of the events of a replay. */
export interface ReplayResult {
  /** Not given to the workers yet. */
  readonly planned: number;
  /** Given back to the workers. */
  readonly moved: number;
  /** In another state since the plan, or with nothing of it to run. */
  readonly skipped: number;
  /** Of those moved: in the hands of the workers now. */
  readonly underWay: number;
  /** Of those moved: processed, or found to need nothing. */
  readonly healed: number;
  /** Of those moved: dead again, or discarded since. */
  readonly dead: number;
}

/** What people do to events and replays, as the audit names it. */
export type OperatorActionKind =
  | 'replay.plan'
  | 'replay.apply'
  | 'replay.pause'
  | 'replay.resume'
  | 'replay.cancel'
  | 'replay.end'
  | 'event.discard'
  | 'delivery.retry'
  | 'board.retry'
  | 'conflict.dismiss'
  | 'conflict.fetch'
  | 'key.create'
  | 'key.revoke'
  | 'payloads.rotate'
  | 'projections.rebuild';

/** A replay, retry or discard that cannot be; `code` is stable (docs/ERRORS.md). */
export class ReplayError extends Error {
  override name = 'ReplayError';
  readonly code: ReplayErrorCode;
  constructor(code: ReplayErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type ReplayErrorCode =
  | 'replay_unknown'
  | 'replay_expired'
  | 'replay_state_wrong'
  | 'replay_too_large'
  | 'replay_selects_nothing'
  | 'replay_needs_force'
  | 'replay_needs_handlers'
  | 'replay_handler_unknown'
  | 'facts_not_editable'
  | 'event_unknown'
  | 'event_ambiguous'
  | 'event_not_dead'
  | 'delivery_unknown'
  | 'delivery_not_dead';
