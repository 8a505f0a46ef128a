import { AsyncLocalStorage } from 'node:async_hooks';

/** How items are taken together. */
export interface Gathering<Item, Result> {
  /** Takes a group; one result for each item, in their order. Where it throws, every item of the group fails. */
  readonly take: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Most items of a group. */
  readonly itemsMax: number;
  /** Most groups being taken at a time. */
  readonly groupsMax: number;
  /** What still waits when the signal is given, and what comes after it, is not taken: this is its result. */
  readonly until?: { readonly signal: AbortSignal; readonly left: (item: Item) => Result };
}

/**
 * Takes items in groups, as a database commits in groups: what comes while
 * there is room goes at once, what comes while every group is busy goes
 * together when one has ended. So nothing waits for company, and the busier it
 * is the larger the groups become. Items are taken in the order they came, a
 * group within the asynchronous context (the trace) of its first.
 */
export function gather<Item, Result>(gathering: Gathering<Item, Result>): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let groups = 0;
  let isDue = false;

  const takeGroup = async (): Promise<void> => {
    const group = waiting.splice(0, gathering.itemsMax);
    groups += 1;
    try {
      const items = group.map(({ item }) => item);
      const inContext = group[0]?.inContext ?? AsyncLocalStorage.snapshot();
      const results = await inContext(() => gathering.take(items));
      if (results.length !== group.length) throw new Error(`${group.length} items came to ${results.length} results`);
      results.forEach((result, position) => group[position]?.settled.resolve(result));
    } catch (error) {
      for (const { settled } of group) settled.reject(error);
    } finally {
      groups -= 1;
      start();
    }
  };
  const start = (): void => {
    while (waiting.length > 0 && groups < gathering.groupsMax) void takeGroup();
  };

  const { until } = gathering;
  until?.signal.addEventListener('abort', () => {
    for (const { item, settled } of waiting.splice(0)) settled.resolve(until.left(item));
  });

  return (item) => {
    if (until?.signal.aborted === true) return Promise.resolve(until.left(item));
    const settled = Promise.withResolvers<Result>();
    // Groups are taken off from the front, full ones first: these positions are where a group begins.
    const isFirst = waiting.length % gathering.itemsMax === 0;
    waiting.push({ item, settled, inContext: isFirst ? AsyncLocalStorage.snapshot() : null });
    // What arrives in one turn of the event loop, as from one read of several sockets, goes together.
    if (!isDue) {
      isDue = true;
      setImmediate(() => {
        isDue = false;
        start();
      });
    }
    return settled.promise;
  };
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly settled: PromiseWithResolvers<Result>;
  /** Of the first of a group; a microsecond for each of the others would be for nothing. */
  readonly inContext: ReturnType<typeof AsyncLocalStorage.snapshot> | null;
}
