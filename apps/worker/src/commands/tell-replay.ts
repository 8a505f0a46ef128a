import { styleText } from 'node:util';
import type { ReplayResult } from '@penstock/core/replay';
import type { ReplayPlan } from '@penstock/db/plan-replay';
import type { Replay } from '@penstock/db/replays';

/** What a plan would do, for people. */
export function writePlan({ replay, groups, sample, runs, estimateSeconds }: ReplayPlan): void {
  const { id, events, perSecond, handlers } = replay;
  write(`${styleText('bold', `Plan ${id}`)}: ${events} ${events === 1 ? 'event' : 'events'}, nothing changed yet`);
  write('\nBy type and cause');
  for (const { provider, type, code, fingerprint, events: count } of groups)
    write(
      `  ${String(count).padStart(7)}  ${provider} ${type}  ${code ?? 'no failure'} ${fingerprint ?? ''}`.trimEnd(),
    );
  write('\nSome of them');
  for (const { eventId, type, message } of sample)
    write(`  ${eventId} ${type}${message === null ? '' : `: ${message}`}`);
  write(
    handlers === null ? '\nWhat would run (handlers that are done do not)' : '\nWhat would run again, and nothing else',
  );
  for (const { handler, events: count } of runs) write(`  ${String(count).padStart(7)}  ${handler}`);
  if (runs.length === 0) write('  no handler that a worker is known to run; events are stored, folded and forwarded');
  if (handlers === null) write('  Of events that could not be translated, which handlers follow is known only then.');
  write(`\nAt ${perSecond} a second at least ${duration(estimateSeconds)}; longer while live traffic waits.`);
  write(`To do it: ${styleText('bold', `pnpm replay apply ${id}`)}`);
}

/** How a replay stands. */
export function writeReplay(replay: Replay, counts: ReplayResult): void {
  const { id, state, events, reason, plannedBy, appliedBy } = replay;
  write(`${styleText('bold', `Replay ${id}`)} is ${state}: ${reason} (${appliedBy ?? plannedBy})`);
  write(
    `  ${events} planned, ${counts.moved} given back to the workers, ${counts.skipped} skipped, ${counts.planned} left`,
  );
  write(`  of those given back: ${counts.healed} healed, ${counts.dead} dead, ${counts.underWay} under way`);
  if (counts.dead > 0) write(`  ${styleText('red', 'See "pnpm dead report" for why.')}`);
}

/** One line each. */
export function writeReplays(replays: readonly Replay[]): void {
  if (replays.length === 0) write('There is no replay yet; "pnpm replay plan" makes one.');
  for (const { id, state, events, reason, plannedBy, createdAt } of replays)
    write(
      `${String(id).padStart(5)}  ${state.padEnd(9)}  ${createdAt.toISOString()}  ${events} events  ${plannedBy}: ${reason}`,
    );
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
