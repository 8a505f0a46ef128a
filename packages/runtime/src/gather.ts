import { AsyncLocalStorage } from 'node:async_hooks';

/** How items are taken together. */
export interface Gathering<Item, Result> {
  /** Takes a group; one result for each item, in their order. Where it throws, every item of the group fails. */
  readonly take: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Most items of a group. */
  readonly itemsMax: number;
  /** Most groups being taken at a time. */
  readonly groupsMax: number;
  /** Whether a group waits for others to join it; none does where absent. */
  readonly company?: Company;
  /** What still waits when the signal is given, and what comes after it, is not taken: this is its result. */
  readonly until?: { readonly signal: AbortSignal; readonly left: (item: Item) => Result };
}

/** While items come so fast that `expected` of them are to come within `waitMs`, a group waits so long for them. */
export interface Company {
  readonly waitMs: number;
  readonly expected: number;
  /** So many together wait no longer. */
  readonly enough: number;
  readonly clock: () => number;
}

/**
 * Takes items in groups, as a database commits in groups: what comes while
 * there is room goes at once, what comes while every group is busy goes
 * together when one has ended. So the busier it is the larger the groups
 * become; and nothing waits for company that is not to be expected soon. Items
 * are taken in the order they came, a group within the asynchronous context
 * (the trace) of its first.
 */
export function gather<Item, Result>(gathering: Gathering<Item, Result>): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let groups = 0;
  let isDue = false;
  const company = gathering.company === undefined ? null : expectCompany(gathering.company);
  let timer: NodeJS.Timeout | null = null;

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
    for (let first = waiting[0]; first !== undefined && groups < gathering.groupsMax; first = waiting[0]) {
      const waitMs = company?.wait({ since: first.since, count: waiting.length }) ?? 0;
      if (waitMs > 0) {
        timer ??= setTimeout(onTime, waitMs);
        return;
      }
      void takeGroup();
    }
  };
  const onTime = (): void => {
    timer = null;
    start();
  };

  const { until } = gathering;
  until?.signal.addEventListener('abort', () => {
    for (const { item, settled } of waiting.splice(0)) settled.resolve(until.left(item));
  });

  return (item) => {
    if (until?.signal.aborted === true) return Promise.resolve(until.left(item));
    const since = company?.arrived() ?? 0;
    const settled = Promise.withResolvers<Result>();
    // Groups are taken off from the front, full ones first: these positions are where a group begins.
    const isFirst = waiting.length % gathering.itemsMax === 0;
    waiting.push({ item, settled, since, inContext: isFirst ? AsyncLocalStorage.snapshot() : null });
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

/** Gaps that the mean of the gaps between items is taken over. */
const GAPS = 16;

/** Says how long those who wait are to wait for more, by the pace that items come at. */
function expectCompany({ waitMs, expected, enough, clock }: Company) {
  let arrivedAt = clock();
  let gapMs = waitMs;
  return {
    /** Tells when it was. */
    arrived: (): number => {
      const now = clock();
      // A pause counts as a gap in which nobody would be waited for, and no more: a burst is known by its first items.
      gapMs += (Math.min(now - arrivedAt, waitMs) - gapMs) / GAPS;
      arrivedAt = now;
      return now;
    },
    /** Milliseconds; 0 where they are to go now. */
    wait: ({ since, count }: { readonly since: number; readonly count: number }): number =>
      count >= enough || gapMs * expected > waitMs ? 0 : since + waitMs - clock(),
  };
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly settled: PromiseWithResolvers<Result>;
  /** When it came; 0 where nobody is waited for. */
  readonly since: number;
  /** Of the first of a group; a microsecond for each of the others would be for nothing. */
  readonly inContext: ReturnType<typeof AsyncLocalStorage.snapshot> | null;
}
