/** Tells how far a long work is. */
export interface Progress {
  readonly show: (at: { readonly what: string; readonly done: number; readonly of: number }) => void;
  /** Leaves the terminal as it was. */
  readonly end: () => void;
}

const BAR_WIDTH = 24;

/** Elsewhere than on a terminal one line says as much as this share of the work. */
const LINE_SHARE = 0.1;

/** A bar with the time left on a terminal; a line now and then elsewhere. Writes to standard error. */
export function createProgress(): Progress {
  let what = '';
  let started = performance.now();
  let nextShare = LINE_SHARE;
  const { stderr } = process;
  return {
    show: (at) => {
      if (at.what !== what) {
        what = at.what;
        started = performance.now();
        nextShare = LINE_SHARE;
      }
      const share = at.of === 0 ? 1 : Math.min(1, at.done / at.of);
      const secondsLeft = share === 0 ? null : ((performance.now() - started) / 1_000) * (1 / share - 1);
      const left = secondsLeft === null ? '' : `, ${Math.ceil(secondsLeft)} s left`;
      if (stderr.isTTY) {
        const filled = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░');
        stderr.write(`\r${what} ${filled} ${Math.floor(share * 100)} %${left}\u001b[K`);
      } else if (share >= nextShare) {
        nextShare = share + LINE_SHARE;
        stderr.write(`${what}: ${at.done} of ${at.of}${left}\n`);
      }
    },
    end: () => {
      if (stderr.isTTY) stderr.write('\r\u001b[K');
    },
  };
}
