import { setTimeout as delay } from 'node:timers/promises';
import type { LedgerDatabase } from '@penstock/db/database';
import { countItems } from '@penstock/db/replay-items';
import { findReplay, type Replay } from '@penstock/db/replays';
import { createProgress } from './progress.ts';

/** Counting a large replay takes a while; a bar that moves each second moves. */
const LOOK_MS = 1_000;

/** Shows how far a replay is until it no longer runs. Ctrl-C ends the showing, not the replay. */
export async function watchReplay(db: LedgerDatabase, id: number): Promise<Replay> {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once('SIGINT', onInterrupt);
  const progress = createProgress();
  try {
    for (;;) {
      const replay = await findReplay(db, id);
      if (replay.state !== 'running') return replay;
      const counts = await countItems(db, id);
      const what =
        replay.heldReason === null ? `replay ${id}` : `replay ${id}, waiting for live traffic (REPLAY_WAITING_MAX)`;
      progress.show({ what, done: counts.skipped + counts.healed + counts.dead, of: replay.events });
      await delay(LOOK_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) {
        progress.end();
        process.stderr.write(
          `The replay goes on without this command: "pnpm replay status ${id}" shows it, "pnpm replay pause ${id}" halts it.\n`,
        );
        return replay;
      }
    }
  } finally {
    process.removeListener('SIGINT', onInterrupt);
    progress.end();
  }
}
