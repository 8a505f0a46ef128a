import { setInterval as every } from 'node:timers';

/** Often enough that what grows by hundreds of megabytes a second is seen in time. */
const LOOK_MS = 1_000;

/**
 * Looks at how much memory this process holds and tells once when it is more
 * than `bytesMax`. A handler that takes it all between two looks ends the
 * process all the same; that is a crash, and counted as one.
 */
export function watchMemory(options: {
  readonly bytesMax: number;
  /** Resident bytes of this process. */
  readonly read: () => number;
  readonly onExceeded: (bytes: number) => void;
}): Disposable {
  const timer = every(() => {
    const bytes = options.read();
    if (bytes <= options.bytesMax) return;
    clearInterval(timer);
    options.onExceeded(bytes);
  }, LOOK_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** A worker with sixteen events in hand holds about 150 MB. */
const USUAL_MB_MAX = 2_048;

/** Four fifths of what the container may hold, where there is such a limit; below what ends the process unasked. */
export function usualMemoryMbMax(constrainedBytes: number | undefined): number {
  const constrainedMb = constrainedBytes === undefined ? 0 : constrainedBytes / 1024 ** 2;
  // Node says 0, or a number of exabytes, where there is no limit.
  return constrainedMb > 0 && constrainedMb < 1024 ** 2
    ? Math.min(USUAL_MB_MAX, Math.floor(constrainedMb * 0.8))
    : USUAL_MB_MAX;
}
