import type { OverloadReason } from '@penstock/core/outcome';

/** Where the requests in hand have their bodies. */
export interface BodyRoom {
  /** A place for one request, until it is disposed of. Where there is none, its `lack` says why. */
  readonly enter: () => BodyPlace;
  readonly held: () => { readonly requests: number; readonly bytes: number };
}

export interface BodyPlace extends Disposable {
  /** Null while there is room. */
  readonly lack: OverloadReason | null;
  /** Calls back, once, where the place is taken away while its body is still being read. */
  readonly onLack: (giveUp: (reason: OverloadReason) => void) => void;
  /** Holds one more piece; false where there is no room for it. */
  readonly grow: (bytes: number) => boolean;
  /** The body is whole: from here on its place is not taken away. */
  readonly arrived: () => void;
}

interface Held {
  bytes: number;
  isHeld: boolean;
  giveUp: ((reason: OverloadReason) => void) | null;
  /** Its neighbours among those still arriving. */
  older: Held | null;
  newer: Held | null;
}

/** What a piece of a body costs beside its bytes: a Buffer's own objects. A body may come a byte at a time. */
const PIECE_BYTES = 160;

/**
 * Bounds how many requests are in hand, and what all their bodies hold, from
 * the first byte to the answer.
 *
 * Where either is reached, it is not the newcomer that goes. Of too many
 * requests the one goes whose body has been arriving for the longest: a
 * provider's arrives with its head, and what dawdles is a slow sender's. Of too
 * many bytes the one goes that holds most: a provider's event is some
 * kilobytes. So senders who hold places or memory on purpose take them from
 * each other. Where none is still arriving, the newcomer goes, and comes again.
 * A body alone always has room.
 */
export function createBodyRoom(limits: { readonly requestsMax: number; readonly bytesMax: number }): BodyRoom {
  const arriving = createArrivals();
  const held = { requests: 0, bytes: 0 };

  const leave = (one: Held): void => {
    if (!one.isHeld) return;
    one.isHeld = false;
    arriving.remove(one);
    held.requests -= 1;
    held.bytes -= one.bytes;
  };

  /** Ends what was still arriving, and with it its place. */
  const takeFrom = (one: Held, reason: OverloadReason): void => {
    leave(one);
    one.giveUp?.(reason);
  };

  return {
    held: () => ({ ...held }),
    enter: () => {
      if (held.requests >= limits.requestsMax) {
        const oldest = arriving.oldest();
        if (oldest === null) return noPlace;
        takeFrom(oldest, 'requests');
      }
      const one: Held = { bytes: 0, isHeld: true, giveUp: null, older: null, newer: null };
      held.requests += 1;
      arriving.add(one);
      return {
        lack: null,
        onLack: (giveUp) => (one.giveUp = giveUp),
        grow: (length) => {
          if (!one.isHeld) return false;
          one.bytes += length + PIECE_BYTES;
          held.bytes += length + PIECE_BYTES;
          while (held.bytes > limits.bytesMax && held.requests > 1) {
            const largest = arriving.largest();
            if (largest === one || largest === null) return false;
            takeFrom(largest, 'body_bytes');
          }
          return true;
        },
        arrived: () => arriving.remove(one),
        [Symbol.dispose]: () => leave(one),
      };
    },
  };
}

/**
 * Those still arriving, in the order they came. Not a Set: one that each
 * request is added to and taken out of kept requests, and what came after
 * them, until the old generation was collected (docs/decisions/0037).
 */
function createArrivals() {
  let oldest: Held | null = null;
  let newest: Held | null = null;
  return {
    oldest: (): Held | null => oldest,
    add: (one: Held): void => {
      one.older = newest;
      if (newest === null) oldest = one;
      else newest.newer = one;
      newest = one;
    },
    /** Does nothing where it has been removed. */
    remove: (one: Held): void => {
      if (one !== oldest && one.older === null) return;
      if (one.older === null) oldest = one.newer;
      else one.older.newer = one.newer;
      if (one.newer === null) newest = one.older;
      else one.newer.older = one.older;
      one.older = null;
      one.newer = null;
    },
    /** Looked for only where memory is short; there are as many as requests may be in hand. */
    largest: (): Held | null => {
      let largest: Held | null = null;
      for (let one = oldest; one !== null; one = one.newer)
        if (largest === null || one.bytes > largest.bytes) largest = one;
      return largest;
    },
  };
}

const noPlace: BodyPlace = {
  lack: 'requests',
  onLack: () => undefined,
  grow: () => false,
  arrived: () => undefined,
  [Symbol.dispose]: () => undefined,
};
