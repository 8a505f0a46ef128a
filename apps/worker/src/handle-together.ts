import { TransientError } from '@penstock/core/failure';
import type { TogetherTransaction } from '@penstock/db/together-store';
import { asDone, handleEvent, type Handled, type HandledAttempt } from './handle-event.ts';
import { coveringHandlers, runWithoutSavepoint, type HandlerWorld } from './run-handlers.ts';

/** Of an event that was entered as finished, by this very transaction. */
export interface EnteredAttempt extends HandledAttempt {
  readonly state: 'processed' | 'ignored';
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
  world: HandlerWorld,
): Promise<readonly Handled[]> {
  const covered = events.map((event) => ({ event, handlers: coveringHandlers(event.input, world.handlers) }));
  const every = covered.flatMap(({ handlers }) => handlers);
  if (every.length === 0) return events.map(() => ({ kind: 'done', covering: 0, again: false, outcomes: [] }));

  const timeoutMs = Math.max(...every.map((handler) => handler.timeoutMs ?? world.handlerMs));
  const handled: Handled[] = [];
  // One that is out of time may run on: what it asks for when the savepoint is over would stay, without its mark.
  let isOver = false;
  const refuse = (): void => {
    if (isOver) throw new TransientError('handler_late', 'a handler used its transaction after its time');
  };
  const outcome = await tx.underSavepoint({ timeoutMs, refuse }, async (scope) => {
    try {
      for (const { event, handlers } of covered) {
        const outcomes = await runWithoutSavepoint(scope, { input: event.input, handlers }, world);
        handled.push({ kind: 'done', covering: handlers.length, again: false, outcomes });
      }
    } finally {
      isOver = true;
    }
  });
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
  const runs = handled.flatMap(({ outcomes }, position) =>
    outcomes.map((run) => ({ ledgerId: events[position]?.input.ledgerId ?? 0, attempt: asDone(run) })),
  );
  await tx.recordRunsTogether(runs);
  return handled;
}
