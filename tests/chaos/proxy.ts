import { connect, createServer, type Socket } from 'node:net';

/** How a link treats what passes over it. */
export type LinkMode =
  | { readonly kind: 'open' }
  /** Refuses new connections and has ended those there were. */
  | { readonly kind: 'cut' }
  /** Every piece of data, in either direction, arrives this much later. */
  | { readonly kind: 'delay'; readonly milliseconds: number };

/** A TCP proxy in front of one service, for one process. */
export interface Link extends AsyncDisposable {
  readonly port: number;
  readonly set: (mode: LinkMode) => void;
  /**
   * Makes the connections there are half-open: the service's side is gone, the
   * process's side still takes what is written and never answers. New ones are
   * good. Returns what ends them with a reset.
   */
  readonly halfOpen: () => () => void;
  /** How many connections the process holds. */
  readonly connections: () => number;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  silent: boolean;
}

/** Opens a link on a free loopback port. */
export async function openLink(target: { readonly port: number }): Promise<Link> {
  const pairs = new Set<Pair>();
  let mode: LinkMode = { kind: 'open' };
  const server = createServer({ pauseOnConnect: false }, (near) => {
    if (mode.kind === 'cut') return void near.resetAndDestroy();
    const far = connect({ host: '127.0.0.1', port: target.port });
    const pair: Pair = { near, far, silent: false };
    pairs.add(pair);
    const delayMs = (): number => (mode.kind === 'delay' ? mode.milliseconds : 0);
    pass(pair, { from: near, to: far, delayMs });
    pass(pair, { from: far, to: near, delayMs });
    near.on('close', () => {
      pairs.delete(pair);
      far.destroy();
    });
    far.on('close', () => {
      // Of a half-open one the process must not learn.
      if (!pair.silent) near.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the link has no port');
  const reset = (chosen: Iterable<Pair>): void => {
    for (const { near, far } of chosen) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  return {
    port: address.port,
    set: (given) => {
      mode = given;
      if (given.kind === 'cut') reset([...pairs].filter(({ silent }) => !silent));
    },
    halfOpen: () => {
      const chosen = [...pairs].filter(({ silent }) => !silent);
      for (const pair of chosen) {
        pair.silent = true;
        pair.far.destroy();
      }
      return () => reset(chosen);
    },
    connections: () => pairs.size,
    [Symbol.asyncDispose]: async () => {
      reset(pairs);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Hands on what one side sends; nothing of a pair that has fallen silent. */
function pass(
  pair: Pair,
  { from, to, delayMs }: { readonly from: Socket; readonly to: Socket; readonly delayMs: () => number },
): void {
  const later = inOrder(delayMs);
  from.setNoDelay(true);
  from.on('data', (piece: Buffer) => {
    if (pair.silent) return;
    later(() => {
      if (to.destroyed || to.write(piece)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
  });
  from.on('error', () => undefined);
  from.on('end', () => {
    if (!pair.silent) later(() => to.end());
  });
}

/** Runs each at once or after the delay of the moment, and never before one that was given earlier. */
function inOrder(delayMs: () => number): (run: () => void) => void {
  let lastDue = 0;
  return (run) => {
    const now = performance.now();
    const due = Math.max(now + delayMs(), lastDue);
    lastDue = due;
    if (due <= now) run();
    else setTimeout(run, due - now);
  };
}
