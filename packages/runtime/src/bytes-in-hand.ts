/** What jobs in hand hold together. */
export interface BytesInHand<Item extends object> {
  readonly hold: (item: Item, bytes: number) => void;
  /** Does nothing for one that is not held. */
  readonly letGo: (item: Item) => void;
}

/**
 * Bounds what is in hand: where it holds `bytesMax` no more is to be taken,
 * until it holds half of that. The bound is passed by what is taken
 * before it is known to be reached.
 */
export function boundBytes<Item extends object>(bound: {
  readonly bytesMax: number;
  /** Told false where no more is to be taken, and true where it is again. */
  readonly take: (more: boolean) => void;
}): BytesInHand<Item> {
  const sizes = new Map<Item, number>();
  let held = 0;
  let isFull = false;
  const change = (bytes: number): void => {
    held += bytes;
    const willBeFull = isFull ? held > bound.bytesMax / 2 : held >= bound.bytesMax;
    if (willBeFull === isFull) return;
    isFull = willBeFull;
    bound.take(!isFull);
  };
  return {
    hold: (item, bytes) => {
      sizes.set(item, bytes);
      change(bytes);
    },
    letGo: (item) => {
      const bytes = sizes.get(item);
      if (bytes === undefined) return;
      sizes.delete(item);
      change(-bytes);
    },
  };
}
