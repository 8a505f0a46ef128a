/**
 * Lets work of one process run side by side, or alone. What is to run alone
 * waits until everything in hand has ended, and holds back what comes after it
 * until it has ended itself; turns are kept.
 */
export interface Aisle {
  readonly beside: <T>(work: () => Promise<T>) => Promise<T>;
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

export function openAisle(): Aisle {
  let inHand = 0;
  let isAlone = false;
  const waiting: { readonly alone: boolean; readonly enter: () => void }[] = [];

  const admit = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (isAlone || (next.alone && inHand > 0)) return;
      waiting.shift();
      inHand += 1;
      isAlone = next.alone;
      next.enter();
    }
  };
  const run = async <T>(work: () => Promise<T>, { alone }: { readonly alone: boolean }): Promise<T> => {
    const turn = Promise.withResolvers<void>();
    waiting.push({ alone, enter: turn.resolve });
    admit();
    await turn.promise;
    try {
      return await work();
    } finally {
      inHand -= 1;
      if (alone) isAlone = false;
      admit();
    }
  };
  return {
    beside: (work) => run(work, { alone: false }),
    alone: (work) => run(work, { alone: true }),
  };
}
