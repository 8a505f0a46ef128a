import type { Failure } from '@penstock/core/failure';
import { decideRetry, type RetryDecision, type RetryPace } from '@penstock/core/retry-policy';
import type { HandlerAttempt, HandlerRun } from '@penstock/db/handler-runs';
import type { EventTransaction } from '@penstock/db/ledger-store';
import {
  coveringHandlers,
  handlersToRun,
  runHandlers,
  type HandlerInput,
  type HandlerOutcome,
  type HandlerWorld,
} from './run-handlers.ts';

/** What became of an event's handlers. */
export type Handled =
  | {
      readonly kind: 'done';
      readonly covering: number;
      /** A finished event, of which a replay asked for some handlers and nothing else. */
      readonly again: boolean;
      readonly outcomes: readonly HandlerOutcome[];
    }
  | {
      readonly kind: 'failed';
      readonly failure: Failure;
      readonly next: RetryDecision;
      readonly error: Error;
      readonly outcomes: readonly HandlerOutcome[];
    };

/** What is known of the event and of this attempt at it. */
export interface HandledAttempt {
  readonly input: HandlerInput;
  readonly jobId: string;
  readonly attempt: number;
  readonly pace: RetryPace;
  /** False where this very transaction entered the event: then no handler has been run for it. */
  readonly wasKnown: boolean;
  readonly wasDead: boolean;
}

/**
 * Runs the handlers that are still to be run for an event and records what
 * became of each, in the ledger's transaction. Where one failed, the others
 * stay done, and the ledger says whether the event is tried again or dead.
 * Where a replay asked for handlers of a finished event, those run and no others.
 */
export async function handleEvent(tx: EventTransaction, given: HandledAttempt, world: HandlerWorld): Promise<Handled> {
  const { input, wasDead } = given;
  const { ledgerId } = input;
  const asked = given.wasKnown ? await tx.askedHandlersOf(ledgerId) : nobody;
  const again = asked.size > 0;
  const covering = coveringHandlers(input, world.handlers).filter(({ name }) => !again || asked.has(name));
  if (covering.length === 0 && !again) return { kind: 'done', covering: 0, again, outcomes: [] };
  const runs = given.wasKnown ? await tx.handlerRunsOf(ledgerId) : new Map<string, HandlerRun>();
  const handlers = handlersToRun(covering, { runs, wasDead, asked });
  const outcomes = await runHandlers(tx, { input, handlers }, world);

  const failed = outcomes.filter((outcome) => outcome.kind === 'failed');
  // What failed for good at an earlier attempt keeps the event from being processed.
  const givenUp = covering.flatMap(({ name }) => {
    const run = runs.get(name);
    return run?.state === 'dead' && !wasDead && run.failure !== null ? [run.failure] : [];
  });
  const decisive = failed.find(({ failure }) => !failure.permanent) ?? failed[0];
  const failure = decisive?.failure ?? givenUp[0];
  if (failure === undefined) {
    await tx.recordHandlerRuns(ledgerId, outcomes.map(asDone));
    if (again) await tx.strikeAskedHandlers({ ledgerId, handlers: null });
    return { kind: 'done', covering: covering.length, again, outcomes };
  }
  const next = decideRetry({ failure, attempt: given.attempt, seed: given.jobId, pace: given.pace });
  await tx.recordHandlerRuns(
    ledgerId,
    outcomes.map((outcome) => asAttempt(outcome, next)),
  );
  const done = outcomes.filter(({ kind }) => kind === 'done').map(({ handler }) => handler);
  if (again) await tx.strikeAskedHandlers({ ledgerId, handlers: done });
  await recordFailures(tx, { ...given, failed, failure, next });
  return { kind: 'failed', failure, next, error: decisive?.error ?? new Error(failure.message), outcomes };
}

const nobody: ReadonlySet<string> = new Set();

type Failed = Extract<HandlerOutcome, { kind: 'failed' }>;

async function recordFailures(
  tx: EventTransaction,
  given: HandledAttempt & {
    readonly failed: readonly Failed[];
    readonly failure: Failure;
    readonly next: RetryDecision;
  },
): Promise<void> {
  const { failed, failure, next, input } = given;
  for (const { handler, failure: own, durationMs } of failed)
    await tx.recordAttempt({
      ledgerId: input.ledgerId,
      number: given.attempt,
      durationMs,
      failure: own,
      retry: next.kind === 'retry' && !own.permanent ? next : null,
      handler,
    });
  if (next.kind === 'retry') await tx.recordFailure(input.ledgerId, failure);
  else await tx.recordDeath(input.ledgerId, { failure, reason: next.reason });
}

/** A run that succeeded, as it is recorded. */
export function asDone({ handler, version, durationMs }: HandlerOutcome): HandlerAttempt {
  return { handler, version, durationMs, state: 'done', failure: null };
}

function asAttempt(outcome: HandlerOutcome, next: RetryDecision): HandlerAttempt {
  if (outcome.kind === 'done') return asDone(outcome);
  const { handler, version, durationMs, failure } = outcome;
  return {
    handler,
    version,
    durationMs,
    state: failure.permanent || next.kind === 'dead' ? 'dead' : 'failed',
    failure,
  };
}
