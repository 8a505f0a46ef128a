import { setInterval as ticks } from 'node:timers/promises';
import { aStripeEvent, postStripe } from '../harness/system.ts';

/** Something that is asked for again and again until it is told to stop. */
export interface Load {
  /** What went otherwise than it should, so far. */
  readonly failures: readonly string[];
  /** How often it went as it should, so far. */
  readonly times: () => number;
  /** Waits for what is on its way now: a balancer lets that end before what it takes out is stopped. */
  readonly passed: () => Promise<void>;
  /** Asks no more, and waits for what is on its way. */
  readonly stop: () => Promise<void>;
}

/** As many as a slow machine answers late rather than never. */
const ON_THE_WAY_MAX = 8;

/** Asks at a steady pace, up to eight at a time. `ask` throws where an answer is not what it should be. */
export function steadily(everyMs: number, ask: () => Promise<void>): Load {
  const failures: string[] = [];
  const onTheWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let times = 0;
  const once = async (): Promise<void> => {
    try {
      await ask();
      times += 1;
    } catch (error) {
      failures.push(error instanceof Error ? `${error.message} ${String(error.cause ?? '')}` : String(error));
    }
  };
  const running = (async () => {
    for await (const _ of ticks(everyMs, undefined, { signal: stopping.signal })) {
      if (onTheWay.size >= ON_THE_WAY_MAX) continue;
      const asked = once().finally(() => onTheWay.delete(asked));
      onTheWay.add(asked);
    }
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  const passed = async (): Promise<void> => void (await Promise.all(onTheWay));
  return {
    failures,
    times: () => times,
    passed,
    stop: async () => {
      stopping.abort();
      await running;
      await passed();
    },
  };
}

/** Webhooks through whichever ingest is the one in front, and the ids of those that it has acknowledged. */
export function sendWebhooks(
  front: () => { readonly url: string },
): Load & { readonly acknowledged: readonly string[] } {
  const acknowledged: string[] = [];
  const load = steadily(40, async () => {
    const { id, body } = aStripeEvent({ type: 'customer.deleted' });
    const { status } = await postStripe(front(), body);
    if (status !== 200) throw new Error(`a webhook was answered ${status}`);
    acknowledged.push(id);
  });
  return { ...load, acknowledged };
}
