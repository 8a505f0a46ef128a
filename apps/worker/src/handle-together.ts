import { TransientError } from '@penstock/core/failure';
import type { Handler } from '@penstock/core/handler';
import type { LedgerTransaction } from '@penstock/db/database';
import type { SavepointOutcome, SavepointScope } from '@penstock/db/ledger-store';
import type { TogetherTransaction } from '@penstock/db/together-store';
import { asDone, handleEvent, type Handled, type HandledAttempt } from './handle-event.ts';
import type { HandlerTimes } from './handler-times.ts';
import {
  coveringHandlers,
  describe,
  runWithoutSavepoint,
  type HandlerOutcome,
  type HandlerWorld,
} from './run-handlers.ts';
import { OutOfTurn, runInTurn, type Turn } from './run-in-turn.ts';

/** Of an event that was entered as finished, by this very transaction. */
export interface EnteredAttempt extends HandledAttempt {
  readonly state: 'processed' | 'ignored';
}

/** What running handlers together needs of the world, beyond what each alone needs. */
export interface TogetherHandlerWorld extends HandlerWorld {
  readonly handlerTimes: HandlerTimes;
}

/**
 * Runs the handlers of events that were entered by this very transaction, all
 * under one savepoint: two statements in place of two a handler. Where one
 * fails, what all of them wrote is taken back, and each event is handled as if
 * it had come alone; so a handler may run twice where another's event is at
 * fault, and its writes are there once.
 */
export async function handleTogether(
  tx: TogetherTransaction,
  events: readonly EnteredAttempt[],
  world: TogetherHandlerWorld,
): Promise<readonly Handled[]> {
  const covered = events.map((event) => ({ event, handlers: coveringHandlers(event.input, world.handlers) }));
  const every = covered.flatMap(({ handlers }) => handlers);
  if (every.length === 0) return events.map(() => ({ kind: 'done', covering: 0, again: false, outcomes: [] }));

  let outcome = await runUnderOneSavepoint(tx, covered, world);
  // The one that is to blame is known now, and will be waited for.
  if (outcome.kind === 'taken back' && outcome.thrown instanceof OutOfTurn)
    outcome = await runUnderOneSavepoint(tx, covered, world);
  if (outcome.kind === 'taken back') {
    await tx.reopenTogether(events.map(({ input }) => input.ledgerId));
    const alone: Handled[] = [];
    for (const event of events) {
      const handledAlone = await handleEvent(tx, event, world);
      if (handledAlone.kind === 'done') await tx.finishLedger(event.input.ledgerId, event.state);
      alone.push(handledAlone);
    }
    return alone;
  }
  const { outcomes } = outcome;
  await tx.recordRunsTogether(
    outcomes.map(({ event, outcome: run }) => ({ ledgerId: event.input.ledgerId, attempt: asDone(run) })),
  );
  const byEvent = Map.groupBy(outcomes, ({ event }) => event);
  return covered.map(({ event, handlers }) => ({
    kind: 'done',
    covering: handlers.length,
    again: false,
    outcomes: (byEvent.get(event) ?? []).map(({ outcome: run }) => run),
  }));
}

interface Covered {
  readonly event: EnteredAttempt;
  readonly handlers: readonly Handler<LedgerTransaction>[];
}

interface Ended {
  readonly event: EnteredAttempt;
  readonly outcome: HandlerOutcome;
}

async function runUnderOneSavepoint(
  tx: TogetherTransaction,
  covered: readonly Covered[],
  world: TogetherHandlerWorld,
): Promise<
  { readonly kind: 'kept'; readonly outcomes: readonly Ended[] } | Extract<SavepointOutcome, { kind: 'taken back' }>
> {
  const every = covered.flatMap(({ handlers }) => handlers);
  const timeoutMs = Math.max(...every.map((handler) => handler.timeoutMs ?? world.handlerMs));
  // One that is out of time may run on: what it asks for when the savepoint is over would stay, without its mark.
  let isOver = false;
  const refuse = (): void => {
    if (isOver) throw new TransientError('handler_late', 'a handler used its transaction after its time');
  };
  let outcomes: readonly Ended[] = [];
  const outcome = await tx.underOneSavepoint({ timeoutMs, refuse }, async (open) => {
    try {
      outcomes = await runInTurn(turnsOf(covered, world), { open, habits: world.handlerTimes });
    } finally {
      isOver = true;
    }
  });
  return outcome.kind === 'kept' ? { kind: 'kept', outcomes } : outcome;
}

function turnsOf(covered: readonly Covered[], world: HandlerWorld): readonly Turn<SavepointScope, Ended>[] {
  let lastEnded = 0;
  return covered.flatMap(({ event, handlers }) => {
    const described = describe(event.input);
    return handlers.map((handler, position) => ({
      name: handler.name,
      isLast: position === handlers.length - 1,
      run: async (scope) => {
        const started = world.elapsedMs();
        await runWithoutSavepoint(scope, { handler, event: described, input: event.input }, world);
        const ended = world.elapsedMs();
        // What it waited for those before it is their time.
        const durationMs = ended - Math.max(started, lastEnded);
        lastEnded = ended;
        return { event, outcome: { kind: 'done', handler: handler.name, version: handler.version, durationMs } };
      },
    }));
  });
}
