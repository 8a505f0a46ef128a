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
  giveUp: ((reason: OverloadReason) => void) | null;
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
  const held = new Set<Held>();
  /** Of these, those still arriving, the oldest first. */
  const arriving = new Set<Held>();
  let bytes = 0;

  const leave = (one: Held): void => {
    if (!held.delete(one)) return;
    arriving.delete(one);
    bytes -= one.bytes;
  };

  /** Ends what was still arriving, and with it its place. */
  const takeFrom = (one: Held, reason: OverloadReason): void => {
    leave(one);
    one.giveUp?.(reason);
  };

  return {
    held: () => ({ requests: held.size, bytes }),
    enter: () => {
      if (held.size >= limits.requestsMax) {
        const [oldest] = arriving;
        if (oldest === undefined) return noPlace;
        takeFrom(oldest, 'requests');
      }
      const one: Held = { bytes: 0, giveUp: null };
      held.add(one);
      arriving.add(one);
      return {
        lack: null,
        onLack: (giveUp) => (one.giveUp = giveUp),
        grow: (length) => {
          if (!held.has(one)) return false;
          one.bytes += length + PIECE_BYTES;
          bytes += length + PIECE_BYTES;
          while (bytes > limits.bytesMax && held.size > 1) {
            const largest = largestOf(arriving);
            if (largest === one || largest === undefined) return false;
            takeFrom(largest, 'body_bytes');
          }
          return true;
        },
        arrived: () => arriving.delete(one),
        [Symbol.dispose]: () => leave(one),
      };
    },
  };
}

/** Looked for only where memory is short; there are as many as requests may be in hand. */
function largestOf(arriving: ReadonlySet<Held>): Held | undefined {
  let largest: Held | undefined;
  for (const one of arriving) if (largest === undefined || one.bytes > largest.bytes) largest = one;
  return largest;
}

const noPlace: BodyPlace = {
  lack: 'requests',
  onLack: () => undefined,
  grow: () => false,
  arrived: () => undefined,
  [Symbol.dispose]: () => undefined,
};
