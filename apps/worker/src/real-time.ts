/** Time as a process has it, for what takes it as an argument. */
export const realTime = {
  elapsedMs: (): number => performance.now(),
  after: (milliseconds: number, ring: () => void): (() => void) => {
    const timer = setTimeout(ring, milliseconds);
    return () => clearTimeout(timer);
  },
};
