import type { ReceiveOutcome } from '@penstock/core/outcome';

/** Which refused requests get a log line of their own. */
export interface RefusalLines extends Disposable {
  /** Whether this one does; what does not is counted under `what`, and told in sum. */
  readonly mayTell: (what: string) => boolean;
}

/** A person reads no more, and a line costs more than the refusal itself. */
const LINES_PER_SECOND = 20;

const SUM_EVERY_MS = 10_000;

/**
 * Lets twenty refusals a second have their line, and tells the rest every ten
 * seconds in one, by what became of them: nobody can fill the log, or slow the
 * process down by it. Counts are whole: those told and those summed are all,
 * and metrics count every one.
 */
export function createRefusalLines(options: {
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  /** Given counts by what became of the requests. */
  readonly tellSum: (counts: Readonly<Record<string, number>>) => void;
}): RefusalLines {
  let second = 0;
  let lines = 0;
  let counts = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;

  const tell = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (counts.size === 0) return;
    options.tellSum(Object.fromEntries(counts));
    counts = new Map();
  };

  return {
    mayTell: (what) => {
      const now = Math.floor(options.clock() / 1_000);
      if (now !== second) {
        second = now;
        lines = 0;
      }
      lines += 1;
      if (lines <= LINES_PER_SECOND) return true;
      counts.set(what, (counts.get(what) ?? 0) + 1);
      timer ??= setTimeout(tell, SUM_EVERY_MS).unref();
      return false;
    },
    [Symbol.dispose]: tell,
  };
}

/** What anybody can bring about, as often as they like, without a secret. */
export function isRefusal(kind: ReceiveOutcome['kind']): boolean {
  switch (kind) {
    case 'rejected':
    case 'unknown_endpoint':
    case 'method_not_allowed':
    case 'unsupported_media_type':
    case 'too_large':
    case 'too_slow':
    case 'aborted':
    case 'overloaded':
    case 'head_too_large':
    case 'address_too_long':
    case 'client_barred':
    case 'rate_limited':
      return true;
    case 'accepted':
    case 'challenged':
    case 'malformed':
    case 'contested':
    case 'undecided':
    case 'queue_unavailable':
    case 'stopping':
    case 'unexpected':
      return false;
  }
}

/** One word for what became of it. */
export function refusalName(outcome: ReceiveOutcome): string {
  if (outcome.kind === 'rejected') return outcome.code;
  return outcome.kind === 'overloaded' ? outcome.reason : outcome.kind;
}
