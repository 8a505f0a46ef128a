/** One of the runs of a transaction that they share. */
export interface Turn<Scope, Result> {
  /** Whose habits are asked, and told. */
  readonly name: string;
  /** Whether the next one may begin before this one has ended: not so within one event. */
  readonly isLast: boolean;
  readonly run: (scope: Scope) => Promise<Result>;
}

/** How many statements each asks, as has been seen. */
export interface Habits {
  /** Whether it can be expected to ask no more than one. */
  readonly asksOnce: (name: string) => boolean;
  readonly addStatements: (name: string, statements: number) => void;
}

/** A run asked for something when a later one had asked already. */
export class OutOfTurn extends Error {
  override name = 'OutOfTurn';
}

/**
 * Runs one after the other, so that each sees what those before it wrote. One
 * that is known to ask a single statement is not waited for: once it has asked,
 * the next begins, and their statements travel together. That comes out as if
 * each had been waited for, as long as none asks anything when a later one has
 * asked: then it throws OutOfTurn, whatever the run made of it, and nothing of
 * all that may stay. Another time that run will be waited for.
 *
 * Otherwise throws what the first of them threw. Has always waited for all that
 * it began.
 */
export async function runInTurn<Scope, Result>(
  turns: readonly Turn<Scope, Result>[],
  world: { readonly open: (beforeEach: () => void) => Scope; readonly habits: Habits },
): Promise<readonly Result[]> {
  const { open, habits } = world;
  const begun: Promise<Result>[] = [];
  /** The one that has asked last. */
  let latest = -1;
  let outOfTurn: OutOfTurn | null = null;
  let hasFailed = false;
  for (const [position, { name, isLast, run }] of turns.entries()) {
    if (hasFailed) break;
    const asked = Promise.withResolvers<void>();
    let statements = 0;
    const scope = open(() => {
      statements += 1;
      if (latest > position) {
        outOfTurn ??= new OutOfTurn(`${name} asked another statement when a later run had asked already`);
        throw outOfTurn;
      }
      latest = position;
      asked.resolve();
    });
    const ended = run(scope).finally(() => habits.addStatements(name, statements));
    begun.push(ended);
    const settled = ended.then(
      () => undefined,
      () => void (hasFailed = true),
    );
    await (isLast && habits.asksOnce(name) ? Promise.race([asked.promise, settled]) : settled);
  }
  const outcomes = await Promise.allSettled(begun);
  if (outOfTurn !== null) throw outOfTurn;
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
